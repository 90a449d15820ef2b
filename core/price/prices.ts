// List prices of the models of OpenAI and Anthropic: data, not knowledge. They are what the providers published by the
// day given here, for the standard tier. Prices change without notice: `--prices FILE` replaces this table as a whole
// (the same shape as JSON). What is not here has no price, and a call to it is refused under a dollar limit.
//
// Not expressed: surcharges for prompts above 200,000 tokens, batch, flex and priority tiers, one-hour cache writes
// (twice the input price), audio and image tokens, and tools billed per use.

/** The raw form that `parsePriceTable` reads: USD per million tokens. */
export const LIST_PRICES = {
  date: '2025-11-30',
  models: {
    'gpt-5.1': {
      inputPerMTok: '1.25',
      cachedInputPerMTok: '0.125',
      outputPerMTok: '10',
      maxOutputTokens: 128_000,
    },
    'gpt-5': {
      inputPerMTok: '1.25',
      cachedInputPerMTok: '0.125',
      outputPerMTok: '10',
      maxOutputTokens: 128_000,
    },
    'gpt-5-codex': {
      inputPerMTok: '1.25',
      cachedInputPerMTok: '0.125',
      outputPerMTok: '10',
      maxOutputTokens: 128_000,
    },
    'gpt-5-mini': {
      inputPerMTok: '0.25',
      cachedInputPerMTok: '0.025',
      outputPerMTok: '2',
      maxOutputTokens: 128_000,
    },
    'gpt-5-nano': {
      inputPerMTok: '0.05',
      cachedInputPerMTok: '0.005',
      outputPerMTok: '0.40',
      maxOutputTokens: 128_000,
    },
    'gpt-5-chat-latest': {
      inputPerMTok: '1.25',
      cachedInputPerMTok: '0.125',
      outputPerMTok: '10',
      maxOutputTokens: 16_384,
    },
    'gpt-4.1': { inputPerMTok: '2', cachedInputPerMTok: '0.50', outputPerMTok: '8', maxOutputTokens: 32_768 },
    'gpt-4.1-mini': {
      inputPerMTok: '0.40',
      cachedInputPerMTok: '0.10',
      outputPerMTok: '1.60',
      maxOutputTokens: 32_768,
    },
    'gpt-4.1-nano': {
      inputPerMTok: '0.10',
      cachedInputPerMTok: '0.025',
      outputPerMTok: '0.40',
      maxOutputTokens: 32_768,
    },
    'gpt-4o': {
      inputPerMTok: '2.50',
      cachedInputPerMTok: '1.25',
      outputPerMTok: '10',
      maxOutputTokens: 16_384,
    },
    // Dated releases that were priced apart from their model have entries of their own.
    'gpt-4o-2024-05-13': {
      inputPerMTok: '5',
      cachedInputPerMTok: '5',
      outputPerMTok: '15',
      maxOutputTokens: 4_096,
    },
    'gpt-4o-mini': {
      inputPerMTok: '0.15',
      cachedInputPerMTok: '0.075',
      outputPerMTok: '0.60',
      maxOutputTokens: 16_384,
    },
    'o4-mini': {
      inputPerMTok: '1.10',
      cachedInputPerMTok: '0.275',
      outputPerMTok: '4.40',
      maxOutputTokens: 100_000,
    },
    o3: { inputPerMTok: '2', cachedInputPerMTok: '0.50', outputPerMTok: '8', maxOutputTokens: 100_000 },
    'o3-mini': {
      inputPerMTok: '1.10',
      cachedInputPerMTok: '0.55',
      outputPerMTok: '4.40',
      maxOutputTokens: 100_000,
    },
    o1: { inputPerMTok: '15', cachedInputPerMTok: '7.50', outputPerMTok: '60', maxOutputTokens: 100_000 },
    'gpt-4-turbo': {
      inputPerMTok: '10',
      cachedInputPerMTok: '10',
      outputPerMTok: '30',
      maxOutputTokens: 4_096,
    },
    'gpt-4': { inputPerMTok: '30', cachedInputPerMTok: '30', outputPerMTok: '60', maxOutputTokens: 8_192 },
    'gpt-3.5-turbo': {
      inputPerMTok: '0.50',
      cachedInputPerMTok: '0.50',
      outputPerMTok: '1.50',
      maxOutputTokens: 4_096,
    },
    'gpt-3.5-turbo-1106': {
      inputPerMTok: '1',
      cachedInputPerMTok: '1',
      outputPerMTok: '2',
      maxOutputTokens: 4_096,
    },
    'gpt-3.5-turbo-0613': {
      inputPerMTok: '1.50',
      cachedInputPerMTok: '1.50',
      outputPerMTok: '2',
      maxOutputTokens: 4_096,
    },
    'gpt-3.5-turbo-0301': {
      inputPerMTok: '1.50',
      cachedInputPerMTok: '1.50',
      outputPerMTok: '2',
      maxOutputTokens: 4_096,
    },
    'text-embedding-3-small': {
      inputPerMTok: '0.02',
      cachedInputPerMTok: '0.02',
      outputPerMTok: '0',
      maxOutputTokens: 0,
    },
    'text-embedding-3-large': {
      inputPerMTok: '0.13',
      cachedInputPerMTok: '0.13',
      outputPerMTok: '0',
      maxOutputTokens: 0,
    },
    'text-embedding-ada-002': {
      inputPerMTok: '0.10',
      cachedInputPerMTok: '0.10',
      outputPerMTok: '0',
      maxOutputTokens: 0,
    },

    'claude-opus-4-5': {
      inputPerMTok: '5',
      cachedInputPerMTok: '0.50',
      cacheWritePerMTok: '6.25',
      outputPerMTok: '25',
      maxOutputTokens: 64_000,
    },
    'claude-opus-4-1': {
      inputPerMTok: '15',
      cachedInputPerMTok: '1.50',
      cacheWritePerMTok: '18.75',
      outputPerMTok: '75',
      maxOutputTokens: 32_000,
    },
    'claude-opus-4-0': {
      inputPerMTok: '15',
      cachedInputPerMTok: '1.50',
      cacheWritePerMTok: '18.75',
      outputPerMTok: '75',
      maxOutputTokens: 32_000,
    },
    'claude-opus-4': {
      inputPerMTok: '15',
      cachedInputPerMTok: '1.50',
      cacheWritePerMTok: '18.75',
      outputPerMTok: '75',
      maxOutputTokens: 32_000,
    },
    'claude-sonnet-4-5': {
      inputPerMTok: '3',
      cachedInputPerMTok: '0.30',
      cacheWritePerMTok: '3.75',
      outputPerMTok: '15',
      maxOutputTokens: 64_000,
    },
    'claude-sonnet-4-0': {
      inputPerMTok: '3',
      cachedInputPerMTok: '0.30',
      cacheWritePerMTok: '3.75',
      outputPerMTok: '15',
      maxOutputTokens: 64_000,
    },
    'claude-sonnet-4': {
      inputPerMTok: '3',
      cachedInputPerMTok: '0.30',
      cacheWritePerMTok: '3.75',
      outputPerMTok: '15',
      maxOutputTokens: 64_000,
    },
    'claude-haiku-4-5': {
      inputPerMTok: '1',
      cachedInputPerMTok: '0.10',
      cacheWritePerMTok: '1.25',
      outputPerMTok: '5',
      maxOutputTokens: 64_000,
    },
    'claude-3-7-sonnet': {
      inputPerMTok: '3',
      cachedInputPerMTok: '0.30',
      cacheWritePerMTok: '3.75',
      outputPerMTok: '15',
      maxOutputTokens: 64_000,
    },
    'claude-3-5-sonnet': {
      inputPerMTok: '3',
      cachedInputPerMTok: '0.30',
      cacheWritePerMTok: '3.75',
      outputPerMTok: '15',
      maxOutputTokens: 8_192,
    },
    'claude-3-5-haiku': {
      inputPerMTok: '0.80',
      cachedInputPerMTok: '0.08',
      cacheWritePerMTok: '1',
      outputPerMTok: '4',
      maxOutputTokens: 8_192,
    },
    'claude-3-opus': {
      inputPerMTok: '15',
      cachedInputPerMTok: '1.50',
      cacheWritePerMTok: '18.75',
      outputPerMTok: '75',
      maxOutputTokens: 4_096,
    },
    'claude-3-haiku': {
      inputPerMTok: '0.25',
      cachedInputPerMTok: '0.03',
      cacheWritePerMTok: '0.30',
      outputPerMTok: '1.25',
      maxOutputTokens: 4_096,
    },
  },
};
