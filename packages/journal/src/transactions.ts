/** The transactions of a journal: those that are open, and how the last ones ended. */
import { type Owner, sleep, type Task } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { checkTransactionMs } from './checks.ts'
import { JournalError } from './errors.ts'
import type { TreeFilesOptions } from './files.ts'
import type { Transaction, TransactionOptions, TransactionStatus } from './journal.ts'
import type { LoggedTree } from './logged-tree.ts'
import { publishTransaction } from './reports.ts'
import { OpenTransaction } from './transaction.ts'

/** What transactions are made with. */
export interface TransactionsOptions extends TreeFilesOptions {
  readonly live: LoggedTree
  readonly owner: Owner
  readonly clock: () => number
  readonly transactionMs: number
}

const maxOpen = 1000
/** Of those that have ended so many are known. */
const keptEnded = 100

export class Transactions {
  readonly #options: TransactionsOptions
  readonly #open = new Map<string, { readonly transaction: OpenTransaction; readonly expiry: Task<void> }>()
  readonly #ended = new Map<string, OpenTransaction>()

  constructor(options: TransactionsOptions) {
    this.#options = options
  }

  begin({ name = 'unnamed', timeoutMs = this.#options.transactionMs }: TransactionOptions): Transaction {
    checkTransactionMs('timeoutMs', timeoutMs)
    if (this.#open.size >= maxOpen) {
      throw new JournalError('JOURNAL_TOO_MANY_TRANSACTIONS', `${maxOpen} transactions are open`)
    }
    const onEnd = (ended: OpenTransaction): void => this.#hasEnded(ended)
    const transaction = new OpenTransaction({ ...this.#options, name, onEnd })
    const expire = async (): Promise<void> => {
      await sleep(timeoutMs)
      transaction.end('expired')
    }
    const expiry = this.#options.owner.spawn(expire, { name: 'expiry of a transaction' })
    this.#open.set(transaction.id, { transaction, expiry })
    this.#options.monitor.touch()
    return transaction
  }

  get(id: string): Transaction {
    const open = this.#open.get(id)
    if (open !== undefined) return open.transaction
    const ended = this.#ended.get(id)
    if (ended === undefined) {
      throw new JournalError('JOURNAL_TRANSACTION_UNKNOWN', `There is no transaction ${JSON.stringify(id)}`)
    }
    return ended
  }

  /** How many are open, and the one that has been for the longest. */
  open(): { readonly openTransactions: number; readonly oldestTransaction: TransactionStatus | undefined } {
    const [oldest] = this.#open.values()
    return { openTransactions: this.#open.size, oldestTransaction: oldest?.transaction.status() }
  }

  list(): readonly TransactionStatus[] {
    const open = [...this.#open.values()].map(({ transaction }) => transaction.status())
    return [...[...this.#ended.values()].map((ended) => ended.status()), ...open].toSorted(
      (left, right) => left.beganAt - right.beganAt,
    )
  }

  *roots(): Generator<CID, void, undefined> {
    for (const { transaction } of this.#open.values()) yield* transaction.roots()
  }

  /** Rolls all back. */
  close(): void {
    for (const { transaction } of [...this.#open.values()]) transaction.end('rolled-back')
  }

  #hasEnded(ended: OpenTransaction): void {
    this.#open.get(ended.id)?.expiry.cancel()
    this.#open.delete(ended.id)
    this.#ended.set(ended.id, ended)
    publishTransaction(ended.status())
    this.#options.monitor.touch()
    for (const id of [...this.#ended.keys()].slice(0, -keptEnded)) this.#ended.delete(id)
  }
}
