// Policies from a file or from the YAML and JSON files of a directory.

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';
import { parsePolicies } from '../core/policy/parse.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { PolicyLoad, PolicySource, SourceProblem } from './policy-source.ts';

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/** Bounds that no set of policies written by people comes near. */
const MAX_FILES = 1_000;
const MAX_FILE_BYTES = 1_024 * 1_024;

/** Aliases that one YAML document may expand to. */
const MAX_ALIASES = 100;

/** Changes are looked for this often: it works on every file system, and with the link swaps of mounted volumes. */
const POLL_INTERVAL_MS = 500;

type PolicyFile = { readonly name: string; readonly text: string };

/** Reads the policies at a path once. */
export async function readPolicyFiles(path: string): Promise<PolicyLoad> {
  const files = await readFiles(path);
  return 'problem' in files
    ? { kind: 'broken', problems: [fileProblem(path, files.problem)] }
    : toLoad(files.files);
}

/** The policies at a path, and their changes. */
export function createPolicyDirectory(path: string): PolicySource {
  let digest = '';
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  const read = async (): Promise<{ readonly load: PolicyLoad; readonly isNew: boolean }> => {
    const files = await readFiles(path);
    const seen = createHash('sha256').update(JSON.stringify(files)).digest('hex');
    const isNew = seen !== digest;
    digest = seen;
    const load: PolicyLoad =
      'problem' in files
        ? { kind: 'broken', problems: [fileProblem(path, files.problem)] }
        : toLoad(files.files);
    return { load, isNew };
  };
  return {
    load: async () => (await read()).load,
    watch: (changed) => {
      timer = setInterval(() => {
        if (busy) return;
        busy = true;
        void read().then(({ load, isNew }) => {
          busy = false;
          if (isNew && timer !== undefined) changed(load);
        });
      }, POLL_INTERVAL_MS).unref();
    },
    close: () => {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

async function readFiles(
  path: string,
): Promise<{ readonly files: readonly PolicyFile[] } | { readonly problem: string }> {
  try {
    const isDirectory = (await stat(path)).isDirectory();
    const paths = isDirectory ? (await policyNames(path)).map((name) => join(path, name)) : [path];
    if (paths.length === 0) return { problem: 'holds no .yaml, .yml or .json file' };
    if (paths.length > MAX_FILES) return { problem: `holds more than ${MAX_FILES} policy files` };
    const files: PolicyFile[] = [];
    for (const name of paths) {
      if ((await stat(name)).size > MAX_FILE_BYTES)
        return { problem: `${basename(name)} is larger than ${MAX_FILE_BYTES} bytes` };
      files.push({ name, text: await readFile(name, 'utf8') });
    }
    return { files };
  } catch (error) {
    // A file that vanished between listing and reading comes back with the next poll.
    return { problem: `cannot be read: ${error instanceof Error ? error.message : 'unknown error'}` };
  }
}

async function policyNames(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => !name.startsWith('.') && EXTENSIONS.has(extname(name))).sort();
}

type ReadDocument = {
  readonly file: PolicyFile;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
};

function toLoad(files: readonly PolicyFile[]): PolicyLoad {
  const read = files.flatMap(documentsOf);
  const problems = read.flatMap(syntaxProblems);
  const documents = read.filter(({ document }) => document.errors.length === 0 && document.contents !== null);
  const policies: Policy[] = [];
  const warnings: string[] = [];
  parsePolicies(documents.map(({ document }) => toPlain(document))).forEach((parsed, i) => {
    const source = documents[i] as ReadDocument; // One result for each document, in their order.
    if (parsed.kind === 'invalid') {
      problems.push(
        ...parsed.problems.map((problem) => ({ ...problem, where: whereOf(source, problem.path) })),
      );
      return;
    }
    policies.push(parsed.policy);
    warnings.push(...parsed.warnings.map((warning) => `${source.file.name}: ${warning}`));
  });
  return problems.length > 0 ? { kind: 'broken', problems } : { kind: 'loaded', policies, warnings };
}

function documentsOf(file: PolicyFile): readonly ReadDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(file.text, {
    lineCounter: lines,
    prettyErrors: true,
    uniqueKeys: true,
  });
  return Array.isArray(documents) ? documents.map((document) => ({ file, document, lines })) : [];
}

/** Plain data; a document whose aliases explode is data that no policy has. */
function toPlain(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    return undefined;
  }
}

function syntaxProblems({ file, document, lines }: ReadDocument): SourceProblem[] {
  return document.errors.map((error) => ({
    where: `${file.name}:${lines.linePos(error.pos[0]).line}`,
    path: '',
    value: '',
    message: `is not valid YAML: ${error.message.split('\n', 1)[0] ?? ''}`,
    kind: 'invalid' as const,
  }));
}

/** The line of the deepest part of the path that the file has. */
function whereOf({ file, document, lines }: ReadDocument, path: string): string {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  for (let length = keys.length; length > 0; length--) {
    const node = document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) return `${file.name}:${lines.linePos(node.range[0]).line}`;
  }
  return `${file.name}:${lines.linePos(document.contents?.range[0] ?? 0).line}`;
}

function fileProblem(path: string, message: string): SourceProblem {
  return { where: path, path: '', value: '', message, kind: 'invalid' };
}
