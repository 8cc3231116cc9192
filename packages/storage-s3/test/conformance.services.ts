import { storageConformance } from '@ipfs-kit/storage/conformance'
import { afterAll, beforeAll, test } from 'vitest'
import { openPlace, type Place } from './rgw.ts'

let place: Place
beforeAll(async () => {
  place = await openPlace()
})
afterAll(() => place[Symbol.asyncDispose]())

storageConformance({ name: 'RGW', open: async () => place.open() }, { test })
