/** `GET /token`: tells whoever sends a token what it may do, so that a worker can look before it runs a job. */
import { json } from './answer.js';
import { admit, type Route } from './server-context.js';

/** Never the token itself; its times in seconds since 1970. */
export const getToken: Route = async (call, context) => {
  const admitted = await admit(call, context);
  if (!admitted.ok) return admitted.answer;
  const { id, actions, jobs, workerHost, expires } = admitted.token;
  return json(200, {
    ...{ id, actions, jobs },
    ...(workerHost !== undefined && { workerHost }),
    ...(expires !== undefined && { expires }),
  });
};
