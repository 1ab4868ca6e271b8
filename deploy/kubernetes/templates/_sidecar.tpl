{{- /* A native sidecar: an init container that goes on. It has started when the startup probe says
so, and ends after Alertmanager. No readiness probe: one that fails would take Alertmanager out of
its Service. Only this pod reaches 127.0.0.1. */ -}}
{{- define "alertpost.sidecar" -}}
{{ include "alertpost.container" . }}
restartPolicy: Always
args:
  - serve
  - --config.file=/etc/alertpost/alertpost.yml
  {{- include "alertpost.storageArg" . | nindent 2 }}
  - --web.listen-address=127.0.0.1:9725
  - --web.management-address=:9726
  - --shutdown.timeout={{ .Values.shutdown.timeoutSeconds }}s
  {{- include "alertpost.logArgs" . | nindent 2 }}
env:
  {{- include "alertpost.env" . | nindent 2 }}
ports:
  - {name: management, containerPort: 9726}
{{ include "alertpost.probes" . }}
volumeMounts:
  {{- include "alertpost.mounts" . | nindent 2 }}
{{- end }}
