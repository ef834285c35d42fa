{{- define "adaos.fullname" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 30 | trimSuffix "-" -}}
{{- end -}}

{{- define "adaos.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels by which pods are found. Takes top, role, and for hubs and members subnet. */}}
{{- define "adaos.selector" -}}
app.kubernetes.io/name: adaos-mesh
app.kubernetes.io/instance: {{ .top.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- with .subnet }}
adaos/subnet: {{ . | quote }}
{{- end }}
{{- with .member }}
adaos/member: {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "adaos.labels" -}}
{{ include "adaos.selector" . }}
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .top.Chart.Name .top.Chart.Version }}
{{- end -}}

{{- define "adaos.container" -}}
image: {{ include "adaos.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/*
The init container unpacks the part: keys, configs and node files into memory, the rest to the disk. Kubernetes mounts a
Secret readable for a group, which daemons refuse.
*/}}
{{- define "adaos.unpack" -}}
- name: unpack
  {{- include "adaos.container" .top | nindent 2 }}
  command:
    - bash
    - -euc
    - |
      umask 077
      mkdir -p /part/keys /part/nodes /part/servers /data/state/registry /data/state/logs
      tar -xzf /secret/part.tgz -C /part --no-same-owner --no-same-permissions
      cp /part/mesh.json /data/state/mesh.json
      cp /part/registry/proven.json /data/state/registry/ || true
      # The root itself replaces the registry in force.
      [ ! -e /part/registry/in-force.json ] || cp --no-clobber /part/registry/in-force.json /data/state/registry/
      rm -rf /part/registry /part/mesh.json*
  resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { memory: 64Mi } }
  volumeMounts:
    - { name: secret, mountPath: /secret, readOnly: true }
    - { name: part, mountPath: /part }
    - { name: data, mountPath: /data }
{{- end -}}

{{/* Of a server or daemon. A server only reads its config; the daemon beside it writes it. */}}
{{- define "adaos.mounts" -}}
- { name: data, mountPath: /var/lib/adaos, subPath: state }
- { name: part, mountPath: /var/lib/adaos/keys, subPath: keys, readOnly: true }
{{- if eq .kind "server" }}
- { name: part, mountPath: /var/lib/adaos/servers, subPath: servers, readOnly: true }
{{- else }}
- { name: part, mountPath: /var/lib/adaos/servers, subPath: servers }
- { name: part, mountPath: /var/lib/adaos/nodes, subPath: nodes }
{{- end }}
- { name: tmp, mountPath: /tmp }
{{- with .top.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "adaos.server" -}}
- name: server
  {{- include "adaos.container" .top | nindent 2 }}
  command: [nats-server, -c, /var/lib/adaos/servers/{{ .of }}.conf]
  env: [{ name: GOMEMLIMIT, value: 200MiB }]
  ports:
    - { name: client, containerPort: {{ .port }} }
    {{- with .leafPort }}
    - { name: leaf, containerPort: {{ . }} }
    {{- end }}
  startupProbe: { exec: { command: [adaos-health, server, {{ .of }}] }, periodSeconds: 2, failureThreshold: 60, timeoutSeconds: 5 }
  livenessProbe: { exec: { command: [adaos-health, server, {{ .of }}] }, periodSeconds: 10, timeoutSeconds: 5 }
  resources: {{ toJson .top.Values.resources.server }}
  volumeMounts:
    {{- include "adaos.mounts" (dict "top" .top "kind" "server") | nindent 4 }}
{{- end -}}

{{- define "adaos.daemon" -}}
- name: daemon
  {{- include "adaos.container" .top | nindent 2 }}
  command: [adaos, node, {{ .role }}, --config, /var/lib/adaos/nodes/{{ .id }}.json]
  env:
    # A small young generation keeps a daemon small. The root holds events of all subnets, and needs more.
    - { name: NODE_OPTIONS, value: --max-semi-space-size={{ if eq .role "root" }}16{{ else }}1{{ end }} }
    - { name: ADAOS_CACHE_DIR, value: /var/lib/adaos/cache }
  {{- with .top.Values.metricsPort }}
  ports: [{ name: metrics, containerPort: {{ . }} }]
  {{- end }}
  # The status is served on loopback only, so a command asks it.
  startupProbe: { exec: { command: [adaos-health] }, periodSeconds: 2, failureThreshold: 60, timeoutSeconds: 5 }
  livenessProbe: { exec: { command: [adaos-health] }, periodSeconds: 10, timeoutSeconds: 5 }
  readinessProbe: { exec: { command: [adaos-health, ready] }, periodSeconds: 10, timeoutSeconds: 5 }
  resources: {{ toJson .top.Values.resources.daemon }}
  volumeMounts:
    {{- include "adaos.mounts" (dict "top" .top "kind" "daemon") | nindent 4 }}
{{- end -}}

{{/* Everything of a pod but its containers. */}}
{{- define "adaos.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
# A daemon settles the events in its hands before it ends, 15 s at most.
terminationGracePeriodSeconds: 30
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with .top.Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .top.Values.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .top.Values.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .top.Values.affinity }}
affinity: {{ toJson . }}
{{- end }}
initContainers:
  {{- include "adaos.unpack" . | nindent 2 }}
volumes:
  - { name: secret, secret: { secretName: {{ .part }}, defaultMode: 0440 } }
  - { name: part, emptyDir: { medium: Memory, sizeLimit: 32Mi } }
  - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
  {{- if not .persistent }}
  - { name: data, emptyDir: { sizeLimit: 1Gi } }
  {{- end }}
  {{- with .top.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "adaos.claim" -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: { name: data }
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .className }}
    storageClassName: {{ . | quote }}
    {{- end }}
    resources: { requests: { storage: {{ .size | default "8Gi" }} } }
{{- end -}}

{{- define "adaos.meta" -}}
labels:
  {{- include "adaos.labels" . | nindent 2 }}
{{- with .top.Values.podAnnotations }}
annotations: {{ toJson . }}
{{- end }}
{{- end -}}
