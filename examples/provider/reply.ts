// What the mock has decided to answer, before any fault is applied to it.

/** Token counts. `input` excludes what was read from or written to a cache. */
export type Tokens = {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
};

/** One server-sent event. `outputTokens` are generated, and so billed, when it is sent. */
export type SseEvent = {
  /** The `event:` field; undefined for OpenAI, which has none. */
  readonly name: string | undefined;
  /** Sent as JSON; a string is sent as it is. */
  readonly data: Readonly<Record<string, unknown>> | string;
  readonly outputTokens: number;
};

/** The input that a call is billed for. Output is billed as it is generated. */
export type Charge = { readonly model: string; readonly tokens: Tokens };

export type ReplyBody =
  | { readonly kind: 'plain'; readonly json: unknown; readonly outputTokens: number }
  | { readonly kind: 'events'; readonly events: Iterable<SseEvent> };

/** A complete answer. `charge` is undefined where nothing is billed: errors, lists, token counts, tools. */
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly charge: Charge | undefined;
  readonly body: ReplyBody;
};

/** The bytes of an event as they go over the wire. `padding` is added as one more field to data that is an object. */
export function toFrame(event: SseEvent, padding?: string): Buffer {
  const data =
    typeof event.data === 'string'
      ? event.data
      : JSON.stringify(padding === undefined ? event.data : { ...event.data, padding });
  const name = event.name === undefined ? '' : `event: ${event.name}\n`;
  return Buffer.from(`${name}data: ${data}\n\n`);
}
