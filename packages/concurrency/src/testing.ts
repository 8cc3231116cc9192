/**
 * Tests on both backends, and the simulator as a tool: for tests of this package and of programs built on it. Needs no test
 * framework of its own.
 *
 * @packageDocumentation
 */
export { waitAllTasksBlocked } from './testing/all-blocked.ts'
export {
  cancelAtEveryStep,
  type CancelSweepOptions,
  type CancelSweepReport,
  type Victim,
} from './testing/cancel-at-every-step.ts'
export { channelContract, type ContractCase, type MakeChannel } from './testing/channel-contract.ts'
export {
  forEachBackend,
  type EachBackendOptions,
  type RegisterTest,
  type TestFunction,
} from './testing/for-each-backend.ts'
export { seedVariable } from './testing/seed-variable.ts'
export { sequencer, type Sequencer } from './testing/sequencer.ts'
export {
  simulate,
  type FailedRun,
  type SimulateOptions,
  type SimulateReport,
  type SweepMode,
} from './testing/simulate.ts'
