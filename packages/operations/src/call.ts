/** The one way to call an operation, whether the kit is in this process or behind HTTP. */
import type { z } from 'zod'
import type {
  AnyOperation,
  BodyKind,
  BytesResult,
  FileEntry,
  Operation,
  Progress,
  ReturnKind,
} from './operation.ts'

/** A table of operations by name. */
export type Table = Readonly<Record<string, AnyOperation>>

/** The table type of a list of entries. */
export type TableOf<Entries extends readonly AnyOperation[]> = {
  readonly [E in Entries[number] as E['name']]: E
}

/** What a caller passes as body. */
export type CallBody<B extends BodyKind> = B extends 'bytes'
  ? Uint8Array | AsyncIterable<Uint8Array>
  : B extends 'files'
    ? AsyncIterable<FileEntry> | Iterable<FileEntry>
    : undefined

/** Options of a call, last as everywhere. */
export interface CallOptions<B extends BodyKind = BodyKind> {
  /** The body of an operation that takes one. */
  readonly body?: CallBody<B>
  /** Cancels the call and the work behind it. */
  readonly signal?: AbortSignal
  /** Hears of the progress of a long call. */
  readonly progress?: (progress: Progress) => void
}

/** What a call answers. */
export type CallResult<R extends ReturnKind, Output> = R extends 'bytes'
  ? BytesResult
  : R extends 'lines'
    ? AsyncIterable<Output>
    : Output

/** The input of an entry, before defaults. */
export type InputOf<O> = O extends Operation<string, any, infer I, any, any, any> ? z.input<I> : never
/** What is answered at once to a call with the input `detach`: the job that does its work without the caller. */
export interface DetachedJob {
  readonly job: number
}
/** The input `detach`, of entries that have it. */
export type Detaching<O, D extends boolean> =
  Required<InputOf<O>> extends { readonly detach: boolean | undefined } ? { readonly detach?: D } : unknown
/** What a call of an entry answers. `D`: whether it is detached; of entries that cannot be it has no meaning. */
export type ResultOf<O, D extends boolean = boolean> =
  O extends Operation<string, any, any, infer Out, any, infer R>
    ? CallResult<
        R,
        Required<InputOf<O>> extends { readonly detach: boolean | undefined }
          ? Answer<z.output<Out>, D>
          : z.output<Out>
      >
    : never
type Answer<Output, D extends boolean> = D extends true ? DetachedJob : Exclude<Output, DetachedJob>
/** The body kind of an entry. */
export type BodyKindOf<O> = O extends Operation<string, any, any, any, infer B, any> ? B : never

/**
 * Calls an operation by its name. The kit has it, and so has the HTTP client: whoever takes a `Caller` (the tools, the
 * commands) does not know which. A failed call rejects with a fault; for `lines` and `bytes` it may also fail while the
 * answer is read.
 */
export interface Caller<T extends Table = Table> {
  call<N extends keyof T & string, D extends boolean = false>(
    name: N,
    input: InputOf<T[N]> & Detaching<T[N], D>,
    options?: CallOptions<BodyKindOf<T[N]>>,
  ): Promise<ResultOf<T[N], D>>
}
