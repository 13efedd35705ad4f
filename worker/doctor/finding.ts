/** The result of one check of `soil-worker doctor`. A problem has the shell command that fixes it. Plain data. */

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
  'policy',
  'path',
  'disk',
  'server',
  'clock',
  'token',
] as const;
export type CheckId = (typeof checkIds)[number];

export type Finding =
  | { readonly check: CheckId; readonly state: 'ok'; readonly text: string }
  /** the check does not apply to this machine; `text` says why */
  | { readonly check: CheckId; readonly state: 'skipped'; readonly text: string }
  | {
      readonly check: CheckId;
      readonly state: 'problem';
      readonly text: string;
      /** a shell command, ready to paste */
      readonly fix: string;
    };

export const ok = (check: CheckId, text: string): Finding => ({ check, state: 'ok', text });
export const skipped = (check: CheckId, text: string): Finding => ({ check, state: 'skipped', text });
export const problem = (check: CheckId, text: string, fix: string): Finding => ({
  ...{ check, state: 'problem', text, fix },
});
