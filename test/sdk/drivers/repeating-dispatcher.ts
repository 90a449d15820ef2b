// An HTTP layer below the SDK that sends one header twice, as a broken proxy would. `fetch` itself joins repeated headers.

import { Agent, type Dispatcher } from 'undici';

/** For `fetchOptions.dispatcher`. */
export function createRepeatingDispatcher(header: string): Dispatcher {
  return new Agent().compose(
    (dispatch) => (options, handler) =>
      dispatch({ ...options, headers: { ...toRecord(options.headers), [header]: ['one', 'two'] } }, handler),
  );
}

/** `fetch` gives its headers as a plain object. */
function toRecord(headers: Dispatcher.DispatchOptions['headers']): Record<string, string | string[]> {
  if (
    headers === null ||
    typeof headers !== 'object' ||
    Array.isArray(headers) ||
    Symbol.iterator in headers
  ) {
    throw new Error('fetch changed the form of its headers');
  }
  return headers as Record<string, string | string[]>; // the union's plain member, by the checks above
}
