/**
 * Logs of errors and of what openings have found, as JSON lines. Apart from the metrics, which are heavy, for those who only write lines.
 *
 * @packageDocumentation
 */
export { createErrorLog } from './error-log.ts'
export type { ErrorLog, ErrorLogOptions } from './error-log.ts'
export { createFindingLog } from './finding-log.ts'
