import { createAddresses } from '@ipfs-kit/storage'
import { s3Scheme } from '@ipfs-kit/storage-s3'
import { expect, test } from 'vitest'

const addresses = createAddresses([s3Scheme])

test.each(['a', 'a b/ü', '/leading', 'a//b', '../x', 'a%2Fb', 'x'.repeat(1024)])(
  'the key %j is written and read again',
  (key) => {
    const address = { scheme: 's3', places: ['archive', 'photos'], key }
    expect(addresses.parse(addresses.format(address))).toEqual(address)
  },
)

test('a bucket alone is an address', () => {
  expect(addresses.parse('s3://archive/photos')).toEqual({
    scheme: 's3',
    places: ['archive', 'photos'],
    key: '',
  })
})

test.each([
  's3://archive',
  's3://archive/',
  's3://archive/ab',
  's3:///photos/a',
  's3://archive/pho*tos/a',
  's3://archive/-photos/a',
])('%s is none', (text) => {
  expect(() => addresses.parse(text)).toThrow(expect.objectContaining({ code: 'STORAGE_INVALID_ADDRESS' }))
})
