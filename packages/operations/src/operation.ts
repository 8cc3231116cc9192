/** The operation type: what can be asked, described once. */
import type { z } from 'zod'
import type { FaultKind } from './errors.ts'

/** What an operation does to the node: `read` changes nothing, `write` adds, `destructive` removes. */
export type Effect = 'read' | 'write' | 'destructive'

/**
 * What a token must be allowed to do: `content:read`, read content and state; `content:write`, change content and what is kept
 * with it; `pins`, pin and unpin; `admin`, the node itself (restart, garbage collection, secrets and tokens). None includes
 * another.
 */
export type Scope = (typeof scopes)[number]

/** All scopes. */
export const scopes = ['content:read', 'content:write', 'pins', 'admin'] as const

/**
 * Doors besides REST and the client, which have every operation: `cli` makes a command, `mcp` a tool, `mcp-opt-in` a tool where
 * whoever serves the table asks for its area.
 */
export type Door = 'cli' | 'mcp' | 'mcp-opt-in'

/** A file, folder or failure on its way into an operation that takes files. */
export interface FileEntry {
  /** Path with `/` between names, relative, without empty, `.` and `..` names. */
  readonly path: string
  /** The bytes; absent for a folder. An iterable is read once. */
  readonly content?: Uint8Array | AsyncIterable<Uint8Array>
  /** The file could not be read by the sender: it becomes a failed item and the rest goes on. */
  readonly failed?: ItemFailure
}

/** Why one item of several failed. */
export interface ItemFailure {
  readonly code: string
  readonly message: string
}

/** Bytes on their way out of an operation. */
export interface BytesResult {
  /** Media type, for the content-type header and for choosing how to write it. */
  readonly mediaType: string
  /** Number of bytes if known beforehand. */
  readonly size?: number
  /** Read once. */
  readonly body: AsyncIterable<Uint8Array>
}

/** What has been done so far in a long operation. */
export interface Progress {
  /** What is being done: `reading`, `importing`, `pinning`, … */
  readonly stage: string
  /** Bytes done in this stage. */
  readonly bytes: number
  /** Bytes in all, if known. */
  readonly totalBytes?: number
  /** Items (files, blocks) done. */
  readonly items?: number
}

/** Where work that may be interrupted notes how far it is. */
export interface ResumePoint {
  /** What was saved last, as JSON; absent at the first attempt. */
  readonly checkpoint?: unknown
  /** Saves what the next attempt is to find, JSON; resolves when it is on the disk. */
  readonly save: (checkpoint: unknown) => Promise<void>
}

/** What a call brings besides its input. */
export interface RunContext {
  /** Cancels the work; its reason passes through untouched. */
  readonly signal: AbortSignal
  /** Called as often as the operation likes; it never waits. */
  readonly progress: (progress: Progress) => void
  /** The id under which the call is logged. */
  readonly requestId: string
  /** Of work that goes on in another attempt when this one is interrupted. */
  readonly resume?: ResumePoint
}

/**
 * The stream that an operation takes besides its input: nothing, `bytes` (one body), or `files` (a body of bytes as one
 * file, or several files by multipart).
 */
export type BodyKind = 'none' | 'bytes' | 'files'

/** What an operation answers: one `value`, many values as `lines`, or `bytes`. */
export type ReturnKind = 'value' | 'lines' | 'bytes'

/** The body that `run` receives. */
export type BodyOf<B extends BodyKind> = B extends 'bytes'
  ? AsyncIterable<Uint8Array>
  : B extends 'files'
    ? AsyncIterable<FileEntry>
    : undefined

/** What `run` returns. A `lines` operation validates and sends each value; a `bytes` operation has no output schema. */
export type RunResult<R extends ReturnKind, Output> = R extends 'bytes'
  ? Promise<BytesResult>
  : R extends 'lines'
    ? AsyncIterable<Output>
    : Promise<Output>

/** As what a command ends whose answer tells of a failure; `undefined` is done. */
export type Outcome = FaultKind | 'partial' | undefined

/** How an operation looks as a command. */
export interface CommandShape {
  /** Words of the command, as typed: `pin add`. */
  readonly name: string
  /** Input keys that are arguments instead of options, in order. Default: the required keys. */
  readonly arguments?: readonly string[]
  /**
   * For a body that is a secret: the names of its lines, by the input. It comes from standard input and never from an argument,
   * which other users and the history of the shell would see; at a terminal the lines are asked for, without echo.
   */
  readonly secretLines?: (input: Readonly<Record<string, unknown>>) => readonly string[]
}

/**
 * One entry of the table. `Parts` is the smallest slice of the opened parts that it uses, `parts` names them at run time.
 * The rest is described once and becomes the REST route `POST /api/v1/<area>/<verb>` (and `GET` for effect `read`),
 * the MCP tool `<area>_<verb>`, the command, the typed client's call and the documentation.
 */
export interface Operation<
  Name extends string = string,
  Parts = never,
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodType = z.ZodType,
  Body extends BodyKind = BodyKind,
  Returns extends ReturnKind = ReturnKind,
> {
  /** `<area>.<verb>`, lower case. */
  readonly name: Name
  /** One sentence in the imperative. */
  readonly summary: string
  /** Names of the parts in `Parts`. */
  readonly parts: readonly (keyof Parts & string)[]
  /** Schema of the input: a flat object of strings, numbers, booleans and enums, so that a query can carry it. */
  readonly input: Input
  /** Schema of the value, or of each line. `z.never()` for bytes. */
  readonly output: Output
  readonly body: Body
  readonly returns: Returns
  readonly effect: Effect
  readonly scope: Scope
  /** Calling it again with the same input changes nothing more. Default: true for reads, false otherwise. */
  readonly idempotent?: boolean
  /** Default: `['cli', 'mcp']`. MCP carries neither bodies nor bytes, so an operation with either names its doors. */
  readonly doors?: readonly Door[]
  /** Default: `<area> <verb>`. */
  readonly command?: CommandShape
  /** Default limit of the body in bytes. Without a body it has no meaning. */
  readonly maxBodyBytes?: number
  /** How the value or line looks on a terminal; `undefined` prints nothing. Default: JSON. */
  readonly text?: (output: z.output<Output>) => string | undefined
  /**
   * As what the command ends that prints the value, if that tells of a failure: with the exit code of such a fault, or of partial
   * success. Default: done. Lines tell it by the `{ items, failed }` of the last one.
   */
  readonly outcome?: (output: z.output<Output>) => Outcome
  run(
    parts: Parts,
    input: z.output<Input>,
    context: RunContext,
    body: BodyOf<Body>,
  ): RunResult<Returns, z.output<Output>>
}

/** Any entry, for code that walks a table. `run` is called with the parts that the entry names. */
export type AnyOperation = Operation<string, any, any, any, any, any>

/**
 * Checks an entry and gives it its exact type. `operation<{ ipfs: Pick<Ipfs, 'files'> }>()({ name: 'files.cat', … })`:
 * two calls, because the parts are named by hand and the rest is inferred.
 *
 * @throws TypeError when the name is not `<area>.<verb>`, when a tool is asked for that has a body or answers bytes, or
 * when a command names an argument that the input does not have.
 */
export function operation<Parts>() {
  return <
    const Name extends string,
    Input extends z.ZodObject,
    Output extends z.ZodType,
    const Body extends BodyKind,
    const Returns extends ReturnKind,
  >(
    entry: Operation<Name, Parts, Input, Output, Body, Returns>,
  ): Operation<Name, Parts, Input, Output, Body, Returns> => {
    if (!/^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/.test(entry.name)) {
      throw new TypeError(
        `The name of an operation is <area>.<verb> in lower case, not ${JSON.stringify(entry.name)}`,
      )
    }
    const isTool = doorsOf(entry).some((door) => door !== 'cli')
    if (isTool && (entry.body !== 'none' || entry.returns === 'bytes')) {
      throw new TypeError(
        `${entry.name} cannot be a tool: it has a body or answers bytes. Name its doors without those of MCP`,
      )
    }
    for (const key of entry.command?.arguments ?? []) {
      if (!(key in entry.input.shape))
        throw new TypeError(`${entry.name} has no input ${JSON.stringify(key)} to take as an argument`)
    }
    return entry
  }
}

/** The doors of an entry, with the default. */
export function doorsOf(entry: Pick<AnyOperation, 'doors'>): readonly Door[] {
  return entry.doors ?? ['cli', 'mcp']
}
