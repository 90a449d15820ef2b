// The table of docs/signals.md that says what SDKs do, from what was seen in test/sdk (results.json there).

import { renderTable, replaceSection } from '../sidecar/protocol/signals-reference.ts';

/** What is written down of one call: facts that are the same each time. */
export type SdkResult = {
  readonly requests: number;
  /** How long the SDK waited before it repeated: '' when it did not, `as announced`, `own pace`, or a fault. */
  readonly waited: string;
  /** Status of the last answer. */
  readonly status: number;
  /** `served`, or the class of the error that the caller of the SDK sees. */
  readonly ends: string;
  /** Calls that reached the provider. */
  readonly reached: number;
};

/** Everything that was seen. The file holds nothing else. */
export type SdkResults = {
  /** By SDK; the columns of the table. */
  readonly versions: Readonly<Record<string, string>>;
  readonly situations: readonly SdkSituation[];
};

type SdkSituation = {
  /** A deny class, or `none` where the call is not refused. */
  readonly class: string;
  readonly cause: string;
  readonly cells: Readonly<Record<string, { readonly plain: SdkResult; readonly stream: SdkResult }>>;
};

/**
 * The page with its section `sdk-matrix` written anew.
 *
 * @throws Error when the page lacks the section
 */
export function renderSdkSection(page: string, results: SdkResults): string {
  return replaceSection(page, 'sdk-matrix', renderMatrix(results));
}

function renderMatrix({ versions, situations }: SdkResults): string {
  const sdks = Object.keys(versions);
  return renderTable(
    ['class', 'cause', ...sdks.map((sdk) => `${sdk} ${versions[sdk]}`), 'calls that reached the provider'],
    situations.map((situation) => [
      situation.class,
      situation.cause,
      ...sdks.map((sdk) => cellOf(situation, sdk)),
      reachedOf(situation),
    ]),
  );
}

function cellOf({ cells }: SdkSituation, sdk: string): string {
  const cell = cells[sdk];
  if (cell === undefined) return 'not tried';
  const plain = toWords(cell.plain);
  const stream = toWords(cell.stream);
  return plain === stream ? plain : `plain: ${plain}; streamed: ${stream}`;
}

function toWords({ requests, waited, status, ends }: SdkResult): string {
  return [
    requests === 1 ? '1 request' : `${requests} requests`,
    ...(waited === '' ? [] : [`waits ${waited === 'own pace' ? 'at its own pace' : waited}`]),
    ends === 'served' ? ends : `${status} \`${ends}\``,
  ].join(', ');
}

function reachedOf({ cells }: SdkSituation): string {
  const counts = Object.values(cells).flatMap(({ plain, stream }) => [plain.reached, stream.reached]);
  return [...new Set(counts)].join(' or ');
}
