/** Who can read the metrics, besides a token with the action `metrics`. */
export const metricsAccesses = ['loopback', 'public'] as const;
export type MetricsAccess = (typeof metricsAccesses)[number];
