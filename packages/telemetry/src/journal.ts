/** Metrics of journals of files, from the channels `journal:…`. */
import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import { codeLabelOf, listenTo, wordLabelOf } from './listening.ts'

/** Makes the metrics and listens. The function that it returns stops listening. */
export function measureJournal(registry: Registry): () => void {
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name: `ipfs_kit_journal_${name}`, help, labelNames, registers: [registry] })
  const changes = counter('changes_total', 'Changes, by code: OK or that of the error.', ['code'])
  const seconds = new Counter({
    name: 'ipfs_kit_journal_change_seconds_total',
    help: 'Time from the stored blocks of changes to their answers.',
    registers: [registry],
  })
  const checkpoints = counter('checkpoints_total', 'Checkpoints, by code: OK or that of the error.', ['code'])
  const transactions = counter('transactions_total', 'Transactions that have ended, by how they did.', [
    'state',
  ])
  const alerts = counter('alerts_total', 'Alerts that were raised or cleared.', ['alert', 'state'])

  const codeLabel = codeLabelOf()
  const wordLabel = wordLabelOf()

  return listenTo({
    'journal:change': ({ code = 'OK', ms }) => {
      changes.inc({ code: codeLabel(code) })
      if (typeof ms === 'number' && Number.isFinite(ms) && ms >= 0) seconds.inc(ms / 1000)
    },
    'journal:checkpoint': ({ code = 'OK' }) => checkpoints.inc({ code: codeLabel(code) }),
    'journal:transaction': ({ state }) => transactions.inc({ state: wordLabel(state) }),
    'journal:alert': ({ alert, state }) => alerts.inc({ alert: wordLabel(alert), state: wordLabel(state) }),
  })
}
