// What we set out to reach, by the name of the ratio. A ratio without a target is printed for orientation.

/** A bound on a ratio. */
export type Target =
  | { readonly kind: 'at most'; readonly value: number }
  | { readonly kind: 'at least'; readonly value: number };

export const TARGETS: Readonly<Record<string, Target>> = {
  decision_vs_bare_loop: { kind: 'at most', value: 2 },
  decision_vs_rate_limiter_flexible: { kind: 'at most', value: 1 },
  bytes_surviving_a_decision: { kind: 'at most', value: 0.1 },
  cpu_per_call_vs_undici: { kind: 'at most', value: 1.3 },
  p50_c1_vs_undici: { kind: 'at most', value: 1.15 },
  calls_per_second_c32_vs_undici: { kind: 'at least', value: 0.8 },
  cpu_per_stream_vs_undici: { kind: 'at most', value: 1.3 },
  first_event_added_vs_1_ms: { kind: 'at most', value: 1 },
  last_event_added_vs_1_ms: { kind: 'at most', value: 1 },
  longest_block_100kb_vs_5_ms: { kind: 'at most', value: 1 },
  longest_block_1mb_vs_5_ms: { kind: 'at most', value: 1 },
  idle_memory_vs_64_mib: { kind: 'at most', value: 1 },
  loaded_memory_vs_96_mib: { kind: 'at most', value: 1 },
};

/** Does a value meet its target? */
export function isMet(target: Target, value: number): boolean {
  return target.kind === 'at most' ? value <= target.value : value >= target.value;
}
