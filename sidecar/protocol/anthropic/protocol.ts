// The anthropic protocol behind the port that all protocols share.

import type { Protocol } from '../protocol.ts';
import { toAnswer } from './answer.ts';
import { parseRequest } from './request.ts';
import { route } from './route.ts';
import { createUsageReader } from './usage.ts';

export const anthropic: Protocol = { name: 'anthropic', route, parseRequest, createUsageReader, toAnswer };
