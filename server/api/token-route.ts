/**
 * `GET /token`: returns the permissions of the request's token, so that a worker can check them before it runs a job.
 */
import { json } from '../http/response.js';
import { refusalResponse } from './refusal-response.js';
import { authorize, type Route } from './route-context.js';

/** Never returns the token itself. Times in seconds since 1970. */
export const getToken: Route = async (request, context) => {
  const token = await authorize(request, context);
  if (!token.ok) return refusalResponse(token.error);
  const { id, actions, jobs, workerHost, expires } = token.value;
  return json(200, {
    ...{ id, actions, jobs },
    ...(workerHost !== undefined && { workerHost }),
    ...(expires !== undefined && { expires }),
  });
};
