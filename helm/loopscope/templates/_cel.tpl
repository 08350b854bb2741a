{{/* A value as an expression in CEL. Takes value; path: its place in the pod, which is the
     type's name of an object there (Object.spec.initContainers). Objects with keys of the
     user's own, here amounts of resources, are maps; as CEL wants one type in a map and
     amounts may be written as numbers, they are strings there. A map with the key `cel` is
     an expression already. */}}
{{- define "loopscope.cel" -}}
{{- $path := .path -}}
{{- if and (kindIs "map" .value) (hasKey .value "cel") -}}
{{- .value.cel -}}
{{- else if kindIs "map" .value -}}
{{- $isMap := has (splitList "." $path | last) (list "requests" "limits") -}}
{{- $fields := list -}}
{{- range $key, $value := .value -}}
{{- $name := ternary (toJson $key) $key $isMap -}}
{{- $inner := include "loopscope.cel" (dict "value" $value "path" (printf "%s.%s" $path $key) "isAmount" $isMap) -}}
{{- $fields = append $fields (printf "%s: %s" $name $inner) -}}
{{- end -}}
{{- ternary "" $path $isMap -}}{ {{- join ", " $fields -}} }
{{- else if kindIs "slice" .value -}}
{{- $items := list -}}
{{- range .value -}}
{{- $items = append $items (include "loopscope.cel" (dict "value" . "path" $path)) -}}
{{- end -}}
[{{- join ", " $items -}}]
{{- else if kindIs "string" .value -}}
{{- toJson .value -}}
{{- else if .isAmount -}}
{{- toJson .value | quote -}}
{{- else -}}
{{- .value -}}
{{- end -}}
{{- end -}}

{{/* The user, or group, of the pod's program: that of its first container, else that of the
     pod. A group that is not given is taken to have the user's number, as in most images.
     Root's would not be let in (runAsNonRoot). Takes runAsUser or runAsGroup. */}}
{{- define "loopscope.celOfThePod" -}}
{{- $fields := list . -}}
{{- if eq . "runAsGroup" -}}{{- $fields = list . "runAsUser" -}}{{- end -}}
{{- range $field := $fields -}}
{{- range $at := list "object.spec.containers[0].securityContext" "object.spec.securityContext" -}}
has({{ $at }}) && has({{ $at }}.{{ $field }}) && {{ $at }}.{{ $field }} > 0 ? {{ $at }}.{{ $field }} : {{ "" -}}
{{- end -}}
{{- end -}}
65532
{{- end -}}
