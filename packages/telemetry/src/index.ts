/**
 * What a process does, told from the outside: metrics of the process, of its tasks, of its HTTP servers and of operations, and the
 * `stats()` of objects, on a prom-client registry that is given; and logs of errors and of what openings have found, as JSON lines. It listens to
 * diagnostics channels and reads snapshots; nothing that is measured knows of it.
 *
 * @packageDocumentation
 */
export { createErrorLog } from './error-log.ts'
export type { ErrorLog, ErrorLogOptions } from './error-log.ts'
export { createFindingLog } from './finding-log.ts'
export { createTelemetry } from './telemetry.ts'
export type { Exposition, Telemetry, TelemetryOptions } from './telemetry.ts'
