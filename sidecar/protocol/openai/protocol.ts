// The openai protocol behind the port that all protocols share.

import type { Protocol } from '../protocol.ts';
import { toAnswer } from './answer.ts';
import { parseRequest } from './request.ts';
import { route } from './route.ts';
import { createUsageReader } from './usage.ts';

export const openai: Protocol = { name: 'openai', route, parseRequest, createUsageReader, toAnswer };
