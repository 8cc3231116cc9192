/** A promise outside of a simulated run is rejected while that goes on. */
import { sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'

const foreign = Promise.reject(new Error('foreign'))
await simulate(async () => await sleep(1), { seeds: 1 })
console.log('unnoticed')
void foreign
