/**
 * One table of operations. An entry describes what can be asked once; the adapters at `./http`, `./openapi`, `./mcp` and
 * `./cli` turn it into REST routes, an OpenAPI document, MCP tools and commands.
 *
 * @packageDocumentation
 */
export type {
  BodyKindOf,
  CallBody,
  CallOptions,
  CallResult,
  Caller,
  DetachedJob,
  Detaching,
  InputOf,
  ResultOf,
  Table,
  TableOf,
} from './call.ts'
export { createCaller } from './caller.ts'
export type { BorrowedParts, CallRecord, CallerOptions, LocalCaller } from './caller.ts'
export { EntryReadError } from './entry-read-error.ts'
export { answerOf, errorBody, isFault, OperationError, operationErrors, toFault } from './errors.ts'
export type { ErrorBody, Fault, FaultAnswer, FaultKind, OperationErrorCode } from './errors.ts'
export { contentFields, contentOf, inlineContent, inlineFields, rangeFields } from './inline-content.ts'
export type { InlineContent } from './inline-content.ts'
export { nearest } from './nearest.ts'
export { doorsOf, operation, scopes } from './operation.ts'
export type {
  AnyOperation,
  BodyKind,
  BodyOf,
  BytesResult,
  CommandShape,
  Door,
  Effect,
  FileEntry,
  ItemFailure,
  Operation,
  Outcome,
  Progress,
  ResumePoint,
  ReturnKind,
  RunContext,
  RunResult,
  Scope,
} from './operation.ts'
