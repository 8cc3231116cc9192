/**
 * What a process does, told from the outside: metrics of the process, of its tasks, of its HTTP servers and of operations, and the
 * `stats()` of objects, on a prom-client registry that is given. It listens to diagnostics channels and reads snapshots; nothing that is
 * measured knows of it. Logs are at `@ipfs-kit/telemetry/logs`.
 *
 * @packageDocumentation
 */
export { createTelemetry } from './telemetry.ts'
export type { Exposition, Telemetry, TelemetryOptions } from './telemetry.ts'
