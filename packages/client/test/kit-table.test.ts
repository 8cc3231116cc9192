import { createClient } from '@ipfs-kit/client'
import type { Client } from '@ipfs-kit/client'
import type { KitTable } from '@ipfs-kit/kit'
import type { Caller } from '@ipfs-kit/operations'
import { expectTypeOf, test } from 'vitest'

test('a client without a table of its own has the operations of the kit', () => {
  const client = createClient({ url: 'http://127.0.0.1:4801' })
  expectTypeOf(client).toEqualTypeOf<Client<KitTable>>()
  expectTypeOf(client).toExtend<Caller<KitTable>>()
  const status = async () => client.call('node.status', {})
  expectTypeOf(status).returns.resolves.toBeObject()
})
