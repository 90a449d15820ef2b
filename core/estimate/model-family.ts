// Which models share a tokenizer: the name without vendor, size, date and variant.

/** Words that name a variant of a model, not another tokenizer. What follows them is dropped too. */
const VARIANT_WORDS = new Set([
  'base',
  'chat',
  'codex',
  'exp',
  'experimental',
  'fast',
  'flash',
  'instruct',
  'it',
  'latest',
  'lite',
  'mini',
  'nano',
  'preview',
  'pro',
  'thinking',
  'turbo',
]);

/** A date (`2024`, `20241022`, `0613`, `11`), a size (`70b`, `1.5m`) or a revision (`v2`, `v3p1`). */
const DATE_SIZE_OR_REVISION = /^(?:\d{4,}|\d{2}|\d+(?:\.\d+)?[bkm]|v\d[\dp.]*)$/;

/** The prefix of models on a cloud platform: `us.anthropic.claude-…`, `meta.llama3-…`. */
const PLATFORM_PREFIX =
  /^(?:[a-z-]{2,8}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\./;

const CLAUDE_TIER = /opus|sonnet|haiku|instant/;

const UNKNOWN_FAMILY = 'unknown';

const MAX_WORDS = 3;
const MAX_LENGTH = 40;

/**
 * The family of a model as callers write it: `gpt-4o-mini-2024-07-18` -> `gpt-4o`,
 * `us.anthropic.claude-3-5-sonnet-20241022-v2:0` -> `claude-sonnet`, `openai/gpt-5-nano` -> `gpt-5`.
 * Total and pure: a name without rules is its own family (at most 40 characters), an empty one is `unknown`.
 * Names are the caller's: bound the number of families that you keep.
 */
export function modelFamily(model: string): string {
  const name = bareName(model);
  if (name.startsWith('claude')) {
    const tier = CLAUDE_TIER.exec(name);
    return tier === null ? 'claude' : `claude-${tier[0]}`;
  }
  const [first = '', ...rest] = name.split(/[-_]/, MAX_WORDS);
  const end = rest.findIndex((word) => VARIANT_WORDS.has(word) || DATE_SIZE_OR_REVISION.test(word));
  const words = end === -1 ? rest : rest.slice(0, end);
  const family = [first, ...words].join('-').slice(0, MAX_LENGTH);
  return family === '' ? UNKNOWN_FAMILY : family;
}

/** Lower case, without path, platform, fine-tuning owner, tag and version. */
function bareName(model: string): string {
  const path = model.trim().toLowerCase();
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/^ft:/, '');
  const tagAt = name.search(/[:@]/);
  return (tagAt === -1 ? name : name.slice(0, tagAt)).replace(PLATFORM_PREFIX, '');
}
