// `metadata.user_id` names an end user; agents on Anthropic's tooling put their session into it as well.

import { readFields } from '../json-fields.ts';
import { KeyTable } from '../json-keys.ts';
import { JsonScan } from '../json-scan.ts';
import { readId, toId } from '../request-fields.ts';

export type UserId = { readonly user: string | undefined; readonly session: string | undefined };

const OPEN_OBJECT = '{';
const FIELDS = new KeyTable(['account_uuid', 'device_id', 'session_id']);
/** `user_<hash>_account_<uuid or nothing>_session_<uuid>` */
const LEGACY = /^(.+)_session_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/is;

/**
 * Splits a user id into a user that stays the same over sessions, and the session.
 *
 * Three shapes are known: JSON `{"device_id","account_uuid","session_id"}`, where the user is the account, or the device
 * when there is no account; the older `user_…_account_…_session_<uuid>`; and anything else, which is a user.
 */
export function parseUserId(text: string): UserId {
  return (text.startsWith(OPEN_OBJECT) ? parseJson(text) : undefined) ?? parseLegacy(text);
}

function parseJson(text: string): UserId | undefined {
  const scan = new JsonScan(Buffer.from(text));
  const ids: { [Name in (typeof FIELDS.names)[number]]?: string | undefined } = {};
  readFields(scan, FIELDS, (name) => {
    ids[name] = readId(scan, name);
  });
  if (!scan.atEnd()) return undefined;
  return { user: ids.account_uuid ?? ids.device_id, session: ids.session_id };
}

function parseLegacy(text: string): UserId {
  const [, user, session] = LEGACY.exec(text) ?? [];
  return { user: toId(user ?? text), session };
}
