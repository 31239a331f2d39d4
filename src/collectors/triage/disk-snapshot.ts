import type { DiskSnapshot } from '../../model/node-triage-document.js'
import { forShell } from '../../text/shell.js'

interface Provider {
  readonly provider: string
  /** Of spec.providerID; its groups are names without blanks or quotes. */
  readonly says: RegExp
  readonly commands: (match: readonly string[], name: string) => readonly string[]
  readonly note?: string
}

const NAME = '([A-Za-z0-9][A-Za-z0-9_.-]{0,127})'

/** Source: the cloud providers' own providerID formats, and their command lines' references. */
const PROVIDERS: readonly Provider[] = [
  {
    provider: 'AWS',
    says: new RegExp(`^aws:///([a-z]{2}(?:-[a-z]+){1,3}-[0-9])[a-z0-9-]*/(i-[0-9a-f]{8,17})$`),
    commands: ([region = '', instance = ''], name) => [
      `aws ec2 create-snapshots --region ${region} --instance-specification InstanceId=${instance},ExcludeBootVolume=false --copy-tags-from-source volume --description ${name}`,
    ],
  },
  {
    provider: 'GCE',
    says: new RegExp(`^gce://${NAME}/${NAME}/${NAME}$`),
    commands: ([project = '', zone = '', instance = ''], name) => [
      `gcloud compute instances describe ${instance} --project ${project} --zone ${zone} --format='value(disks[].source)'`,
      `gcloud compute disks snapshot DISK --project ${project} --zone ${zone} --snapshot-names ${name.toLowerCase()}`,
    ],
    note: 'DISK: each of those that the first command prints',
  },
  {
    provider: 'Azure',
    says: new RegExp(
      `^azure:///(subscriptions/${NAME}/resourceGroups/${NAME}/providers/Microsoft\\.Compute/virtualMachines/${NAME})$`,
      'i',
    ),
    commands: ([path = '', , group = ''], name) => [
      `az vm show --ids /${path} --query '[storageProfile.osDisk.managedDisk.id, storageProfile.dataDisks[].managedDisk.id]'`,
      `az snapshot create --resource-group ${group} --name ${name} --source DISK`,
    ],
    note: 'DISK: each of those that the first command prints',
  },
  {
    provider: 'Azure',
    says: new RegExp(
      `^azure:///subscriptions/${NAME}/resourceGroups/${NAME}/providers/Microsoft\\.Compute/virtualMachineScaleSets/${NAME}/virtualMachines/([0-9]{1,9})$`,
      'i',
    ),
    commands: ([subscription = '', group = '', set = '', instance = ''], name) => [
      `az vmss show --subscription ${subscription} --resource-group ${group} --name ${set} --instance-id ${instance} --query '[storageProfile.osDisk.managedDisk.id, storageProfile.dataDisks[].managedDisk.id]'`,
      `az snapshot create --subscription ${subscription} --resource-group ${group} --name ${name} --source DISK`,
    ],
    note: 'DISK: each of those that the first command prints',
  },
  {
    provider: 'DigitalOcean',
    says: /^digitalocean:\/\/([0-9]{1,20})$/,
    commands: ([droplet = ''], name) => [
      `doctl compute droplet-action snapshot ${droplet} --snapshot-name ${name}`,
    ],
  },
  {
    provider: 'Hetzner Cloud',
    says: /^hcloud:\/\/([0-9]{1,20})$/,
    commands: ([server = ''], name) => [
      `hcloud server create-image --type snapshot --description ${name} ${server}`,
    ],
  },
  {
    provider: 'OpenStack',
    says: new RegExp(`^openstack://[A-Za-z0-9_-]*/${NAME}$`),
    commands: ([server = ''], name) => [`openstack server image create --name ${name} ${server}`],
  },
]

/** How to ask whoever runs the node's machine for snapshots of its disks; undefined where the node names nobody. */
export function diskSnapshot(providerID: string | undefined, caseName: string): DiskSnapshot | undefined {
  if (providerID === undefined || providerID === '') return undefined
  const name = forShell(`impound-${caseName}`.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, 60))
  for (const { provider, says, commands, note } of PROVIDERS) {
    const match = says.exec(providerID)
    if (match === null) continue
    return {
      provider,
      providerID,
      commands: commands(match.slice(1), name),
      ...(note === undefined ? {} : { note }),
    }
  }
  return {
    provider: 'unknown',
    providerID: providerID.slice(0, 500),
    commands: [],
    note: 'impound knows no command for this provider: take snapshots of the machine’s disks by its own means',
  }
}
