{{- define "alertpost.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "alertpost.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "alertpost.name" .) .Release.Name -}}
{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "alertpost.name" .) | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "alertpost.selectorLabels" -}}
app.kubernetes.io/name: {{ include "alertpost.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "alertpost.labels" -}}
{{ include "alertpost.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "alertpost.metadata" -}}
name: {{ include "alertpost.fullname" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "alertpost.labels" . | nindent 2 }}
{{- end }}

{{- define "alertpost.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "alertpost.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "alertpost.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}
{{- else }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "alertpost.secretName" -}}
{{- if .Values.existingSecret -}}
{{ .Values.existingSecret }}
{{- else if .Values.secrets -}}
{{ include "alertpost.fullname" . }}
{{- end -}}
{{- end }}

{{- define "alertpost.claimName" -}}
{{ default (include "alertpost.fullname" .) .Values.storage.existingClaim }}
{{- end }}

{{- define "alertpost.gracePeriodSeconds" -}}
{{ add .Values.shutdown.delaySeconds .Values.shutdown.timeoutSeconds 5 }}
{{- end }}

{{- /* What every container of alertpost has: beside Alertmanager, too (deploy/kubernetes). */ -}}
{{- define "alertpost.container" -}}
name: alertpost
image: {{ include "alertpost.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- end }}

{{- /* Where `alertpost queue` asks in the container: the queue is behind the management address. */ -}}
{{- define "alertpost.env" -}}
- {name: ALERTPOST_URL, value: "http://127.0.0.1:9726"}
{{- end }}

{{- define "alertpost.logArgs" -}}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- end }}

{{- define "alertpost.storageArg" -}}
{{- if eq .Values.storage.type "sqlite" -}}
- --storage=sqlite:/var/lib/alertpost/alertpost.db
{{- else -}}
- "--storage=memory:"
{{- end -}}
{{- end }}

{{- /* Alive and started, whatever the disk and the mail server do. */ -}}
{{- define "alertpost.probes" -}}
startupProbe:
  httpGet: {path: /-/healthy, port: management}
  periodSeconds: 1
  failureThreshold: 600 # a damaged database is read whole
livenessProbe:
  httpGet: {path: /-/healthy, port: management}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "alertpost.mounts" -}}
- name: config
  mountPath: /etc/alertpost
  readOnly: true
{{- if include "alertpost.secretName" . }}
- name: secrets
  mountPath: /run/secrets/alertpost
  readOnly: true
{{- end }}
{{- if eq .Values.storage.type "sqlite" }}
- name: storage
  mountPath: /var/lib/alertpost
{{- end }}
{{- end }}
