import type { LogsDocument } from '../model/documents.js'
import type { LedgerRow } from '../model/evidence.js'
import { formatBytes } from '../text/bytes.js'
import { absence } from './absence.js'
import { bounded } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { LogsReport } from './model.js'

const MOST_LOGS = 100

export function logsOf({ logs, directory }: ReportTargetInput, ledger: readonly LedgerRow[]): LogsReport {
  return {
    absent: logs === undefined ? absence(ledger, directory, 'logs') : null,
    rows: bounded((logs?.logs ?? []).map(rowOf), MOST_LOGS, `data/targets/${directory}/logs.json`),
    older: logs?.olderFiles ?? null,
  }
}

function rowOf(log: LogsDocument['logs'][number]): LogsReport['rows']['items'][number] {
  return {
    container: log.container,
    run: log.run,
    size: formatBytes(log.bytes),
    lines: log.lines,
    first: log.firstLineAt ?? null,
    last: log.lastLineAt ?? null,
    notes: [
      ...(log.endsWithNewline ? [] : ['its last line is not whole']),
      ...(log.kubeletCertificateUnverified ? ["the kubelet's certificate was not checked"] : []),
    ],
  }
}
