/** Starts a process, says its pid and exits at once. */
import { openProcess } from '@ipfs-kit/concurrency/node'

const { pid } = await openProcess('sleep', ['1000'])
process.stdout.write(String(pid), () => process.exit(0))
