/** `POST /prune`: removes the runs that the retention policy no longer keeps. For a token with the action prune. */
import { quote } from '../../model/result.js';
import { json, problem } from '../http/response.js';
import { refusalResponse } from './refusal-response.js';
import { authorize, type Route } from './route-context.js';

export const postPrune: Route = async (request, context) => {
  const token = await authorize(request, context, { action: 'prune' });
  if (!token.ok) return refusalResponse(token.error);
  const { id, jobs, workerHost } = token.value;
  if (jobs !== '*' || workerHost !== undefined) {
    return problem(
      403,
      `cannot prune: token ${quote(id)} is limited to some jobs, and prune removes whole runs`,
    );
  }
  if (context.retention === undefined) {
    return problem(
      409,
      'cannot prune: soil-server.yml has no retention policy, or the server was started without it',
    );
  }
  return json(200, { ...(await context.retention.pruneNow()) });
};
