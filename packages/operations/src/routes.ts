/** Where the operations are over HTTP: one rule for the routes and for their description. */
import type { AnyOperation } from './operation.ts'

/** The path of an operation: `/api/v1/<area>/<verb>`. */
export function routePath(entry: Pick<AnyOperation, 'name'>): string {
  return `/api/v1/${entry.name.replace('.', '/')}`
}

/** Whether it can be asked with `GET`: it only reads, and its input fits into a query. */
export function hasGet(entry: Pick<AnyOperation, 'effect' | 'body'>): boolean {
  return entry.effect === 'read' && entry.body === 'none'
}
