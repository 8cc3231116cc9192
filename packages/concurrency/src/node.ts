/**
 * Processes, signals and temporary folders, held by scopes. Only on Node and what has its modules.
 *
 * @packageDocumentation
 */
export type { ProcessExit, StartOptions } from './node/child.ts'
export { openProcess, type OpenProcess, type OpenProcessOptions } from './node/open-process.ts'
export {
  runProcess,
  type ProcessFailure,
  type ProcessResult,
  type RunProcessOptions,
} from './node/run-process.ts'
export { signals, type Signals } from './node/signals.ts'
export { tempDir, type TempDir, type TempDirOptions } from './node/temp-dir.ts'
