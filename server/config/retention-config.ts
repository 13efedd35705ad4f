/** The part `retention` of soil-server.yml -> the policy, every fault with its place. */
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { accept, quote, refuse, type Result } from '../../model/result.js';
import { fault, readMap, readYaml, settle, type Entry, type YamlSource } from '../../model/yaml-reader.js';
import { parseRetention, type PolicyFault, type RetentionPolicy } from './retention-policy.js';

export function readRetention(source: YamlSource, entry: Entry): RetentionPolicy {
  const { policy, faults } = parseRetention(plainOf(entry.node));
  for (const found of faults) fault(source, offsetOf(entry, found), found.text);
  return policy;
}

/** The policy in a file that has nothing else, or has it beside keys that are read elsewhere. */
export function parseRetentionText(text: string, file: string): Result<RetentionPolicy | undefined> {
  const { source, root } = readYaml(text, file);
  if (source.faults.length > 0) return settle(source, undefined);
  const entry = readMap(source, root, 'the file')?.get('retention');
  return settle(source, entry && readRetention(source, entry));
}

/** Text, lists and maps; an alias is none of them, and is refused where it stands. */
function plainOf(node: Node | null): unknown {
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return node.items.map((item) => plainOf(item as Node | null));
  if (!isMap(node)) return undefined;
  return Object.fromEntries(
    node.items.map((pair) => [
      String((pair.key as { readonly value?: unknown } | null)?.value),
      plainOf(pair.value as Node | null),
    ]),
  );
}

/** Where the deepest of the keys stands that the fault names. */
function offsetOf({ node, offset }: Entry, { path }: PolicyFault): number {
  let at = offset;
  let here: Node | null = node;
  for (const key of path.slice(1)) {
    if (isSeq(here)) here = (here.items[Number(key)] ?? null) as Node | null;
    else if (isMap(here)) {
      const pair = here.items.find(
        (item) => (item.key as { readonly value?: unknown } | null)?.value === key,
      );
      const keyNode = pair?.key as Node | null | undefined;
      at = keyNode?.range?.[0] ?? at;
      here = (pair?.value ?? null) as Node | null;
    } else break;
    at = here?.range?.[0] ?? at;
  }
  return at;
}

/** For whoever prunes by hand: no policy is a fault there. */
export function requirePolicy(policy: RetentionPolicy | undefined, file: string): Result<RetentionPolicy> {
  if (policy !== undefined) return accept(policy);
  return refuse(`cannot prune: ${quote(file)} has no retention`);
}
