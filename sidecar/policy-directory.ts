// Policies from a file or from the YAML and JSON files of a directory.

import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Document, isNode, LineCounter, parseAllDocuments, visit } from 'yaml';
import { parsePolicies } from '../core/policy/parse.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { PolicyLoad, PolicySource, SourceProblem } from './policy-source.ts';

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/** Bounds that no set of policies written by people comes near. */
const MAX_FILES = 1_000;
const MAX_FILE_BYTES = 1_024 * 1_024;

/** Aliases that one YAML document may expand to. */
const MAX_ALIASES = 100;
const MAX_ALIAS_NAME = 64;

/** Changes are looked for this often: it works on every file system, and with the link swaps of mounted volumes. */
const POLL_INTERVAL_MS = 250;

type PolicyFile = { readonly name: string; readonly text: string };
type ReadFiles = { readonly files: readonly PolicyFile[] } | { readonly problem: string };

/** Reads the policies at a path once. */
export async function readPolicyFiles(path: string): Promise<PolicyLoad> {
  return toLoad(path, await readFiles(path));
}

/**
 * The policies at a path, and their changes. A change is taken when it has been seen twice: a file that is just being
 * written may read as a valid, shorter one.
 */
export function createPolicyDirectory(path: string): PolicySource {
  let taken = '';
  let seen = '';
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  /** The change to take now; undefined when there is none. */
  const poll = async (): Promise<PolicyLoad | undefined> => {
    const files = await readFiles(path);
    const digest = digestOf(files);
    const isSettled = digest === seen;
    seen = digest;
    if (!isSettled || digest === taken) return undefined;
    taken = digest;
    return toLoad(path, files);
  };
  return {
    load: async () => {
      const files = await readFiles(path);
      taken = digestOf(files);
      seen = taken;
      return toLoad(path, files);
    },
    watch: (changed) => {
      timer = setInterval(() => {
        if (busy) return;
        busy = true;
        void poll().then((load) => {
          busy = false;
          if (load !== undefined && timer !== undefined) changed(load);
        });
      }, POLL_INTERVAL_MS).unref();
    },
    close: () => {
      clearInterval(timer);
      timer = undefined;
    },
  };
}

function digestOf(files: ReadFiles): string {
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

async function readFiles(path: string): Promise<ReadFiles> {
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

function toLoad(path: string, read: ReadFiles): PolicyLoad {
  return 'problem' in read
    ? { kind: 'broken', problems: [fileProblem(path, read.problem)] }
    : readAll(read.files);
}

function readAll(files: readonly PolicyFile[]): PolicyLoad {
  const read = files.flatMap(documentsOf);
  const written = read.filter(({ document }) => document.errors.length > 0 || document.contents !== null);
  const empty = files.filter((file) => !written.some((one) => one.file === file));
  const problems = [
    ...empty.map(({ name }) => fileProblem(name, 'holds no policy: write one, or remove the file')),
    ...read.flatMap(syntaxProblems),
  ];
  const documents = written.filter((one) => syntaxProblems(one).length === 0);
  const policies: Policy[] = [];
  const warnings: string[] = [];
  parsePolicies(documents.map(({ document }) => toPlain(document))).forEach((parsed, i) => {
    const source = documents[i] as ReadDocument; // One result for each document, in their order.
    if (parsed.kind === 'invalid') {
      problems.push(
        ...parsed.problems.map((problem) => ({
          ...problem,
          message: withFileNames(problem.message, documents),
          where: whereOf(source, problem.path),
        })),
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

/** Plain data of a document without syntax problems. */
function toPlain(document: Document.Parsed): unknown {
  return document.toJS({ maxAliasCount: MAX_ALIASES });
}

function syntaxProblems(source: ReadDocument): SourceProblem[] {
  const { document } = source;
  const errors = document.errors.map((error) => {
    const hint = error.code === 'BAD_ALIAS' ? `: ${QUOTE_HINT} "*"` : '';
    return syntaxProblem(source, error.pos[0], `${error.message.split('\n', 1)[0] ?? ''}${hint}`);
  });
  return errors.length > 0 ? errors : aliasProblems(source);
}

const QUOTE_HINT = 'a text that begins with "*" must be quoted:';

/** `*_delete` without quotes is YAML for a value that was named with `&_delete` before. */
function aliasProblems(source: ReadDocument): SourceProblem[] {
  const { document } = source;
  const problems: SourceProblem[] = [];
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      const name = alias.source.slice(0, MAX_ALIAS_NAME);
      const message = `*${name} names nothing; ${QUOTE_HINT} "*${name}"`;
      problems.push(syntaxProblem(source, alias.range?.[0] ?? 0, message));
    },
  });
  if (problems.length > 0) return problems;
  try {
    toPlain(document);
    return [];
  } catch {
    return [
      syntaxProblem(source, 0, `its aliases stand for more than ${MAX_ALIASES} values: write them out`),
    ];
  }
}

function syntaxProblem({ file, lines }: ReadDocument, at: number, message: string): SourceProblem {
  const where = `${file.name}:${lines.linePos(at).line}`;
  return { where, path: '', value: '', message: `is not valid YAML: ${message}`, kind: 'invalid' };
}

/** A message that counts the documents of a set, with the file and line that a reader can find. */
function withFileNames(message: string, documents: readonly ReadDocument[]): string {
  return message.replace(/document (\d+) of this set/, (counted, position: string) => {
    const other = documents[Number(position) - 1];
    return other === undefined ? counted : `the policy at ${whereOf(other, 'metadata.name')}`;
  });
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
