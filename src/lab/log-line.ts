/** A line of a container's log as the kubelet keeps it. */
export interface LabLogLine {
  readonly time: string
  readonly text: string
}
