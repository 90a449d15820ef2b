// Any other HTTP service behind the port that all protocols share.

import type { Protocol } from '../protocol.ts';
import { toAnswer } from './answer.ts';
import { parseRequest } from './request.ts';
import { route } from './route.ts';
import { createUsageReader } from './usage.ts';

export const http: Protocol = { name: 'http', route, parseRequest, createUsageReader, toAnswer };
