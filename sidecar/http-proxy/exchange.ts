// One call through the sidecar, from the first header to the settled reservation.
//
// States: reading -> deciding -> (held ->) sent -> answering -> done. Whatever happens, `done` is reached once, and an
// admitted call is settled on the way there.

import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Call } from '../../core/call.ts';
import { type CallCost, createRequestCost } from '../../core/cost.ts';
import type { FinalDecision, Metering } from '../../core/decide.ts';
import type { Chain } from '../../core/engine/chain.ts';
import type { ReservationId } from '../../core/engine/engine.ts';
import { hashString } from '../../core/hash-string.ts';
import type { Reason, Refusal } from '../../core/refusal.ts';
import { actualOf, type Ending } from '../../core/settlement.ts';
import type { CallOutcome, DecidedCall } from '../call-observer.ts';
import type { Hold } from '../governor.ts';
import type { MeteredCall } from '../meter.ts';
import type { Answer, RequestFacts, Route, UsageReader } from '../protocol/protocol.ts';
import type { Upstream } from '../upstream.ts';
import { drain, sendRefusal } from './answer-sender.ts';
import { useOf } from './call-use.ts';
import { holdBoundMs, identify, NO_CONTENT } from './caller.ts';
import {
  type RequestHeaders,
  readAnswerHeaders,
  readRequestHeaders,
  readTrailers,
  toReasonPhrase,
} from './header-pass.ts';
import type { ProxyContext } from './http-proxy.ts';
import { appendLimitHeaders } from './limit-headers.ts';
import type { OpenCall } from './open-calls.ts';
import { readParsedBody } from './parsed-body.ts';
import { identityInvalid, malformed, stopping, upstreamFailed } from './refusals.ts';
import type { RepeatableCall } from './refused-callers.ts';
import { askForBody, type Messages } from './request-body.ts';
import { streamBody } from './streamed-body.ts';
import { lenientPath, toolNamesOf, type UpstreamTarget } from './target.ts';

/** Time between looks at how much a stream has used so far. */
const TOP_UP_INTERVAL_MS = 1_000;

/** Informational answers forwarded; an upstream that sends more would fill our memory before its head. */
const MAX_INFORMATIONAL = 16;

const REQUEST_COST = createRequestCost();

type State = 'reading' | 'held' | 'sent' | 'answering' | 'done';

/** What is known of an admitted call until it is settled. */
type Admission = Pick<DecidedCall, 'shadow' | 'heldMs' | 'decidingMs'> & {
  readonly reservation: ReservationId;
  readonly chain: Chain;
  readonly admittedAtMs: number;
};

/** Why the upstream failed, and the status that the caller got. */
type Failure = { readonly reason: Reason; readonly status: number };

/** One request to an upstream and its answer. */
export class Exchange implements Dispatcher.DispatchHandler, OpenCall {
  readonly decisionId: string;
  place = 0;
  readonly #context: ProxyContext;
  readonly #request: Messages['request'];
  readonly #response: Messages['response'];
  readonly #target: UpstreamTarget;
  readonly #upstream: Upstream;
  readonly #headers: RequestHeaders;
  #state: State = 'reading';
  #facts: RequestFacts | undefined;
  #metered: MeteredCall | undefined;
  #call: Call | undefined;
  #hold: Hold | undefined;
  #caller: { readonly repeatable: RepeatableCall; readonly number: number } | undefined;
  #admission: Admission | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #reader: UsageReader | undefined;
  #status = 0;
  #informational = 0;
  #ended: (() => void) | undefined;
  #decideStartedMs = 0;
  #heldSinceMs = 0;
  #toppedUpAtMs = 0;
  #isAdmissionTold = false;
  #stoppedByUs = false;

  constructor(context: ProxyContext, messages: Messages, target: UpstreamTarget, upstream: Upstream) {
    this.#context = context;
    this.#request = messages.request;
    this.#response = messages.response;
    this.#target = target;
    this.#upstream = upstream;
    this.#headers = readRequestHeaders(messages.request.rawHeaders);
    this.decisionId = context.nextDecisionId();
  }

  /** Begins. `ended` is called once, when nothing of the call is left open. */
  start(ended: () => void): void {
    this.#ended = ended;
    this.#response.on('close', () => this.connectionClosed());
    if (this.#headers.repeated !== undefined) {
      this.#refuse(repeatedHeader(this.#headers.repeated));
      return;
    }
    const route = this.#route();
    if (route === undefined) {
      const detail = 'The path of a model call must be written exactly as the API has it.';
      this.#refuse(malformed(detail));
      return;
    }
    if (route.kind !== 'metered') {
      const metering = route.kind === 'unparsed' && route.paid ? 'unreadable' : 'complete';
      this.#decide(REQUEST_COST, metering);
      return;
    }
    const messages = { request: this.#request, response: this.#response };
    readParsedBody(messages, this.#upstream.protocol, this.#context.maxBodyBytes, (parsed) => {
      if (this.#state !== 'reading') return;
      if (parsed.kind === 'refused') this.#refuse(parsed.refusal);
      else if (parsed.kind === 'parsed') this.#decideModelCall(parsed.facts);
    });
  }

  /**
   * The caller's connection is gone, or the answer is complete. Of requests that wait behind another on one connection
   * (pipelining) only the connection tells.
   */
  connectionClosed(): void {
    const ended = this.#ended;
    this.#ended = undefined;
    if (ended === undefined) return;
    this.#onCallerClosed();
    ended();
  }

  /** The process is stopping: a call that is held is refused now, others may still end by themselves. */
  stopIfHeld(): void {
    if (this.#state !== 'held' || this.#hold?.giveUp() !== true) return;
    this.#refuse(stopping(this.#context.connectionIdOf(this.#request.socket)), this.#heldMs());
  }

  /** Ends the call at once and settles what it used. */
  stop(): void {
    this.#stoppedByUs = true;
    this.#onCallerClosed();
    this.#response.destroy();
  }

  /** Undefined for a path that is no model call as it stands, and could be one to a lenient server. */
  #route(): Route | undefined {
    const { protocol } = this.#upstream;
    const method = this.#request.method ?? '';
    const route = protocol.route(method, this.#target.path);
    if (route.kind !== 'unparsed' || !route.paid) return route;
    return protocol.route(method, lenientPath(this.#target.path)).kind === 'metered' ? undefined : route;
  }

  #decideModelCall(facts: RequestFacts): void {
    this.#facts = facts;
    const agent = this.#target.agent ?? this.#context.workload.agent;
    this.#metered = this.#context.meter.open(facts, agent);
    this.#decide(this.#metered.cost, this.#metered.metering);
  }

  #decide(cost: CallCost, metering: Metering): void {
    const toolNames = this.#upstream.protocol.name === 'http' ? toolNamesOf(this.#target.path) : [];
    if (toolNames === undefined) {
      this.#refuse(malformed('The path has too many segments or a broken escape.'));
      return;
    }
    this.#decideStartedMs = performance.now();
    const call = identify(this.#context.workload, this.#headers.single, this.#target, {
      facts: this.#facts,
      toolNames,
      isUnreadable: metering === 'unreadable',
    });
    this.#call = call;
    const request = {
      call,
      cost,
      metering,
      maxHoldMs: holdBoundMs(this.#headers.single),
      callerHash: () => this.#callerHash(call),
    };
    const decision = this.#context.governor.decide(request, (later, heldMs) => this.#decided(later, heldMs));
    if ('kind' in decision) this.#decided(decision, 0);
    else {
      this.#state = 'held';
      this.#hold = decision;
      this.#heldSinceMs = this.#context.clock.nowMs();
    }
  }

  #decided(decision: FinalDecision, heldMs: number): void {
    if (decision.kind === 'refuse') {
      this.#expectBack(decision.refusal.waitMs);
      this.#refuse(decision.refusal, heldMs);
      return;
    }
    const { chain, reservation, shadow } = decision;
    const decidingMs = this.#decidingMs(heldMs);
    const admittedAtMs = this.#context.clock.nowMs();
    this.#admission = { chain, reservation, admittedAtMs, shadow, heldMs, decidingMs };
    this.#toppedUpAtMs = admittedAtMs;
    this.#send();
    this.#tellAdmission();
  }

  /** Tells of the admission, once: when the call is on its way, and before anything is told of its end. */
  #tellAdmission(): void {
    const { observer, governor } = this.#context;
    const admission = this.#admission;
    const call = this.#call;
    if (this.#isAdmissionTold || admission === undefined || call === undefined) return;
    this.#isAdmissionTold = true;
    const { chain, shadow, heldMs, decidingMs } = admission;
    observer.decided({
      id: this.decisionId,
      call,
      revision: governor.revision,
      refusal: undefined,
      charged: { chain, cost: this.#metered?.cost ?? REQUEST_COST },
      shadow,
      heldMs,
      decidingMs,
    });
  }

  #send(): void {
    this.#state = 'sent';
    try {
      this.#upstream.dispatcher.dispatch(this.#toUpstream(), this);
    } catch (error) {
      // What undici refuses to send (a header it calls invalid) never left.
      this.#fail(error);
    }
  }

  /** What the upstream is asked. */
  #toUpstream(): Dispatcher.DispatchOptions {
    const { origin, basePath } = this.#upstream;
    const headers = this.#headers.forwarded;
    // A spliced stream must come back readable: the extra usage event is taken out on the way.
    if (this.#facts?.usageSpliced) setAcceptEncoding(headers, this.#headers.acceptEncodingAt, 'identity');
    return {
      origin,
      path: basePath + this.#target.pathAndQuery,
      method: (this.#request.method ?? 'GET') as Dispatcher.HttpMethod, // Node's parser accepts only real methods.
      headers,
      body: this.#facts?.body ?? this.#streamedBody(headers),
    };
  }

  /** The body as it comes, under the length that announced it; null where there is none. */
  #streamedBody(headers: string[]): Readable | null {
    const length = this.#request.headers['content-length'];
    const isChunked = this.#request.headers['transfer-encoding'] !== undefined;
    if (!isChunked && !(Number(length) > 0)) return null;
    if (length !== undefined) headers.push('content-length', length);
    askForBody({ request: this.#request, response: this.#response });
    return streamBody(this.#request) as unknown as Readable; // undici takes any async iterable, its types do not say so.
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === 'done') controller.abort(new Error('the caller has gone'));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    statusText?: string,
  ): void {
    if (this.#state === 'done') return;
    const read = readAnswerHeaders(headers);
    if (status < 200) {
      this.#inform(status, read.forwarded);
      return;
    }
    this.#state = 'answering';
    this.#status = status;
    if (this.#facts !== undefined) {
      const head = { status, contentType: read.contentType, contentEncoding: read.contentEncoding };
      this.#reader = this.#upstream.protocol.createUsageReader(this.#facts, head);
    }
    const out = read.forwarded;
    if (read.contentLength !== undefined && !this.#facts?.usageSpliced)
      out.push('content-length', read.contentLength);
    out.push('flyball-decision', this.decisionId);
    if (status === 429 || status === 529) out.push('flyball-origin', 'upstream');
    if (this.#admission !== undefined)
      appendLimitHeaders(out, this.#context.governor.standings(this.#admission.chain));
    // An answer before the end of the request: what else its caller sends has nowhere to go.
    if (!this.#request.complete) out.push('connection', 'close');
    this.#response.writeHead(status, toReasonPhrase(statusText), out);
    // The head of a stream goes out at once; that of a plain answer travels with its first bytes.
    if (read.contentType.startsWith('text/event-stream')) this.#response.flushHeaders();
  }

  /** Forwards an informational answer. Switching protocols is not forwarded, nor is a flood. */
  #inform(status: number, headers: string[]): void {
    if (status > 101 && ++this.#informational <= MAX_INFORMATIONAL) {
      this.#response.writeInformation(status, headers);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'answering') return;
    const out = this.#reader === undefined ? chunk : this.#reader.push(chunk);
    if (out.length > 0 && !this.#response.write(out)) {
      controller.pause();
      this.#response.once('drain', () => controller.resume());
    }
    this.#topUp();
  }

  onResponseEnd(
    _controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[] | undefined>,
  ): void {
    if (this.#state !== 'answering') return;
    const rest = this.#reader?.end();
    const pairs = readTrailers(trailers);
    if (pairs.length > 0) this.#response.addTrailers(pairs);
    if (rest !== undefined && rest.length > 0) this.#response.write(rest);
    if (this.#request.complete) this.#response.end();
    else {
      // Else an answer without a body would wait for it.
      this.#response.flushHeaders();
      drain(this.#request, () => this.#response.end());
    }
    // The caller waits for none of this.
    this.#settle('complete');
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#state === 'done') return;
    if (this.#state === 'answering') {
      // Too late for an answer of ours: the caller sees what we saw, a transfer that broke.
      this.#reader?.end();
      this.#settle('upstream-broken', { reason: upstreamFailed(error, true).reason, status: this.#status });
      this.#response.destroy();
      return;
    }
    this.#fail(error);
  }

  #fail(error: unknown): void {
    const failure = upstreamFailed(error, this.#controller !== undefined);
    const answer = this.#toAnswer(failure);
    this.#settle('upstream-failed', { reason: failure.reason, status: answer.status });
    sendRefusal(this.#request, this.#response, answer);
  }

  #onCallerClosed(): void {
    if (this.#state === 'done') return;
    if (this.#hold?.giveUp() === true) this.#abandon();
    // What came is read to the end: an encoded answer shows its usage only then.
    this.#reader?.end();
    this.#settle(this.#stoppedByUs ? 'shutdown' : 'client-abort');
    this.#controller?.abort(new Error('the caller has gone'));
  }

  /** The caller left while it was held. */
  #abandon(): void {
    const { observer, governor } = this.#context;
    if (this.#call === undefined) throw new Error('held before there was a call');
    observer.abandoned({
      id: this.decisionId,
      call: this.#call,
      revision: governor.revision,
      heldMs: this.#heldMs(),
    });
  }

  #heldMs(): number {
    return this.#context.clock.nowMs() - this.#heldSinceMs;
  }

  /** 0 for a call that was refused before its decision began. */
  #decidingMs(heldMs: number): number {
    return this.#decideStartedMs === 0 ? 0 : performance.now() - this.#decideStartedMs - heldMs;
  }

  #refuse(reason: Refusal, heldMs = 0): void {
    const { observer, governor } = this.#context;
    this.#state = 'done';
    observer.decided({
      id: this.decisionId,
      call: this.#call ?? identify(this.#context.workload, this.#headers.single, this.#target, NO_CONTENT),
      revision: governor.revision,
      refusal: reason,
      charged: undefined,
      shadow: undefined,
      heldMs,
      decidingMs: this.#decidingMs(heldMs),
    });
    sendRefusal(this.#request, this.#response, this.#toAnswer(reason));
  }

  #toAnswer(reason: Refusal): Answer {
    const attempt = 1 + (repeatsOf(this.#headers) ?? 0);
    const context = { decisionId: this.decisionId, wallClockMs: this.#context.clock.wallMs(), attempt };
    return this.#upstream.protocol.toAnswer(reason, context);
  }

  /** Settles an admitted call once; everything else about the call ends here too. */
  #settle(outcome: CallOutcome, failure?: Failure): void {
    const wasSent = this.#controller !== undefined;
    this.#state = 'done';
    const admission = this.#admission;
    const call = this.#call;
    if (admission === undefined || call === undefined) return;
    this.#tellAdmission();
    const use = useOf({
      outcome,
      wasSent,
      status: this.#status,
      metered: this.#metered,
      reader: this.#reader,
    });
    const actual = use.ending && actualOf(use.ending);
    // A reservation whose deadline passed was settled as reserved; the call is recorded all the same.
    this.#context.governor.settle(admission.reservation, actual);
    this.#context.observer.settled({
      id: this.decisionId,
      call,
      outcome,
      status: failure?.status ?? this.#status,
      failure: failure?.reason,
      usage: use.metered?.usage,
      spendMicros: use.metered?.spendMicros,
      estimated: use.estimated,
      estimateError: use.error,
      durationMs: this.#context.clock.nowMs() - admission.admittedAtMs,
    });
  }

  /** Bytes are flowing: the reservation lives on, and what they cost beyond it is charged now. */
  #topUp(): void {
    if (this.#admission === undefined) return;
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#toppedUpAtMs < TOP_UP_INTERVAL_MS) return;
    this.#toppedUpAtMs = nowMs;
    const ending: Ending =
      this.#reader === undefined || this.#metered === undefined
        ? { kind: 'counted' }
        : { kind: 'used', ...this.#metered.guessed(this.#reader.outputBytes) };
    this.#context.governor.topUp(this.#admission.reservation, actualOf(ending));
  }

  /** A caller that was given a place is known again when it comes for it. */
  #expectBack(waitMs: number): void {
    const { refusedCallers, clock } = this.#context;
    if (this.#caller === undefined || waitMs === 0) return;
    refusedCallers.expect(this.#caller.repeatable, this.#caller.number, clock.nowMs() + waitMs);
  }

  /** The same caller, the same number. */
  #callerHash(call: Call): number {
    if (this.#caller !== undefined) return this.#caller.number;
    const { refusedCallers, clock, connectionIdOf } = this.#context;
    const body = this.#facts?.body;
    const content = body === undefined ? this.#target.path : body.toString('latin1', 0, 1_024) + body.length;
    const repeatable = {
      digest: hashString(`${call.agent}\n${call.user}\n${call.session}\n${content}`),
      connection: connectionIdOf(this.#request.socket),
      repeats: repeatsOf(this.#headers),
    };
    const number = refusedCallers.numberOf(repeatable, clock.nowMs());
    this.#caller = { repeatable, number };
    return number;
  }
}

/** How often an SDK has made the call before, by its own count; undefined where it does not say. */
function repeatsOf({ single }: RequestHeaders): number | undefined {
  const repeats = Number.parseInt(single.get('x-stainless-retry-count') ?? '', 10);
  return repeats >= 0 ? repeats : undefined;
}

function setAcceptEncoding(headers: string[], at: number, value: string): void {
  if (at >= 0) headers[at] = value;
  else headers.push('accept-encoding', value);
}

function repeatedHeader({ name, role }: NonNullable<RequestHeaders['repeated']>): Refusal {
  const detail = `The header ${name} must be sent once.`;
  return role === 'identity' ? identityInvalid(detail) : malformed(detail);
}
