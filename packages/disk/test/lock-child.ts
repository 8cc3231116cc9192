/** Takes the lock at the path in its arguments and keeps it until it is killed; or says why not. */
import { DiskError, nodeDisk } from '@ipfs-kit/disk'

try {
  await nodeDisk().lock(process.argv[2]!)
  process.stdout.write('held\n')
  setInterval(() => undefined, 1000)
} catch (error) {
  process.stdout.write(`${error instanceof DiskError ? error.code : String(error)}\n`)
}
