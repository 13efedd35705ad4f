/** What a check of `soil-worker doctor` found: all well, or a fault with the exact command that mends it. Plain data. */

export const checkIds = [
  'engine',
  'container',
  'limits',
  'cgroups',
  'user-namespaces',
  'subuid',
  'newuidmap',
  'rootless-network',
  'rootless-storage',
  'git',
  'safe-directory',
  'git-identity',
  'soil-yml',
  'disk',
  'server',
  'clock',
  'token',
] as const;
export type CheckId = (typeof checkIds)[number];

export type Finding =
  | { readonly check: CheckId; readonly state: 'well'; readonly text: string }
  /** does not apply here; `text` says why */
  | { readonly check: CheckId; readonly state: 'passed-over'; readonly text: string }
  | {
      readonly check: CheckId;
      readonly state: 'fault';
      readonly text: string;
      /** a command for the shell, as it can be pasted */
      readonly mend: string;
    };

export const ok = (check: CheckId, text: string): Finding => ({ check, state: 'well', text });
export const skipped = (check: CheckId, text: string): Finding => ({ check, state: 'passed-over', text });
export const problem = (check: CheckId, text: string, mend: string): Finding => ({
  ...{ check, state: 'fault', text, mend },
});
