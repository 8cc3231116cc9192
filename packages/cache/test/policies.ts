/** The shipped policies, each with the plain one that says what it should do. */
import { lru, type Policy } from '@ipfs-kit/cache'
import { arc } from '@ipfs-kit/cache/arc'
import { lirs } from '@ipfs-kit/cache/lirs'
import { s3Fifo } from '@ipfs-kit/cache/s3-fifo'
import { PlainArc } from './reference/plain-arc.ts'
import { PlainLirs } from './reference/plain-lirs.ts'
import { PlainLru } from './reference/plain-lru.ts'
import type { PlainPolicy } from './reference/plain-policy.ts'
import { PlainS3Fifo } from './reference/plain-s3-fifo.ts'

export const policies: readonly (readonly [
  name: string,
  policy: Policy,
  plain: new (capacity: number) => PlainPolicy,
])[] = [
  ['lru', lru, PlainLru],
  ['arc', arc, PlainArc],
  ['s3-fifo', s3Fifo, PlainS3Fifo],
  ['lirs', lirs, PlainLirs],
]
