/** `POST /prune`: what is beyond the site's retention is removed now, for a token with the action prune. */
import { json, problem } from '../http/response.js';
import { authorize, type Route } from './route-context.js';

export const postPrune: Route = async (call, context) => {
  const admitted = await authorize(call, context, { action: 'prune' });
  if (!admitted.ok) return admitted.answer;
  const { id, jobs, workerHost } = admitted.token;
  if (jobs !== '*' || workerHost !== undefined) {
    return problem(403, `cannot prune: token "${id}" is for some jobs only, and runs go whole`);
  }
  if (context.retention === undefined) {
    return problem(
      409,
      'cannot prune: soil-server.yml has no retention, or the server was started without it',
    );
  }
  return json(200, { ...(await context.retention.pruneNow()) });
};
