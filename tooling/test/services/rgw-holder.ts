/** Starts an RGW, tells which processes it has, and waits to be killed. */
import { startRgw } from '../../services/rgw.ts'

const { endpoint, pids } = await startRgw()
console.log(JSON.stringify({ endpoint, pids }))
process.stdin.resume()
