/**
 * Backends for tests, made of another one: with calls replaced, or with abilities taken away.
 *
 * @packageDocumentation
 */
export { delegate } from './testing/delegate.ts'
export { limited } from './testing/limited.ts'
