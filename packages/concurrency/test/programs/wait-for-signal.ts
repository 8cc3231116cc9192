/** Says that it is ready, waits for one signal and says which it was. */
import { signals } from '@ipfs-kit/concurrency/node'

const received = signals()
console.log('ready')
console.log((await received.next()).value)
