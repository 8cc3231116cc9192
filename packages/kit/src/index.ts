/**
 * The high-level API: `openKit` opens a home with its parts and joins their operations; `readHolder` finds
 * the process that has it open already.
 *
 * @packageDocumentation
 */
export type { CallLogStats } from './call-log.ts'
export { readConfig } from './config.ts'
export type { Config, ConfigOverrides, ReadConfigOptions } from './config.ts'
export { KitError, kitErrors } from './errors.ts'
export type { KitErrorCode } from './errors.ts'
export { readHolder } from './holder.ts'
export type { Holder } from './holder.ts'
export { homeAt, homeFormat, homePath, openHome } from './home.ts'
export type { Home, HomePathOptions } from './home.ts'
export { openKit } from './kit.ts'
export type { Kit, KitAddresses, KitOptions, KitStats } from './kit.ts'
export { takeLock } from './lock.ts'
export type { HolderAddresses, Lock, LockOptions } from './lock.ts'
export type { NodeStatus } from './node-operations.ts'
export type { KitTable } from './operations.ts'
export { createParts } from './parts.ts'
export type { Opener, Parts, PartsOptions, PartState, PartStatus } from './parts.ts'
export type { WalMessage, WalTopic } from './wal.ts'
