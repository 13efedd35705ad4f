/** `GET /token`: tells whoever sends a token what it may do, so that a worker can look before it runs a job. */
import { json } from '../http/response.js';
import { authorize, type Route } from './route-context.js';

/** Never the token itself; its times in seconds since 1970. */
export const getToken: Route = async (call, context) => {
  const admitted = await authorize(call, context);
  if (!admitted.ok) return admitted.answer;
  const { id, actions, jobs, workerHost, expires } = admitted.token;
  return json(200, {
    ...{ id, actions, jobs },
    ...(workerHost !== undefined && { workerHost }),
    ...(expires !== undefined && { expires }),
  });
};
