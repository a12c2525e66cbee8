# bash completion for postrider; made by `postrider completion`, do not edit.
_postrider() {
  local current=${COMP_WORDS[COMP_CWORD]} words="serve config import queue upstream events retention spool user token suppression bootstrap sendmail mailq man completion --help --version"
  case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
    "serve "*) [ "$COMP_CWORD" -gt 1 ] && words="--help --config" ;;
    "config check") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --config" || words="check show reference" ;;
    "config show") [ "$COMP_CWORD" -gt 2 ] && words="--help --changed --json --config" || words="check show reference" ;;
    "config reference") [ "$COMP_CWORD" -gt 2 ] && words="--help --toml" || words="check show reference" ;;
    "config "*) [ "$COMP_CWORD" -gt 1 ] && words="check show reference --help" ;;
    "import postfix") [ "$COMP_CWORD" -gt 2 ] && words="--help --output --force --with-secrets --secrets-dir --master --aliases --generic" || words="postfix msmtp ssmtp nullmailer" ;;
    "import msmtp") [ "$COMP_CWORD" -gt 2 ] && words="--help --output --force --with-secrets --secrets-dir" || words="postfix msmtp ssmtp nullmailer" ;;
    "import ssmtp") [ "$COMP_CWORD" -gt 2 ] && words="--help --output --force --with-secrets --secrets-dir" || words="postfix msmtp ssmtp nullmailer" ;;
    "import nullmailer") [ "$COMP_CWORD" -gt 2 ] && words="--help --output --force --with-secrets --secrets-dir" || words="postfix msmtp ssmtp nullmailer" ;;
    "import "*) [ "$COMP_CWORD" -gt 1 ] && words="postfix msmtp ssmtp nullmailer --help" ;;
    "queue list") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --recipient --since --until --limit --cursor --json --absolute --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue show") [ "$COMP_CWORD" -gt 2 ] && words="--help --absolute --json --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue cat") [ "$COMP_CWORD" -gt 2 ] && words="--help --headers --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue retry") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --since --until --recipient --all --dry-run --yes --reason --json --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue hold") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --since --until --recipient --all --dry-run --yes --reason --json --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue release") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --since --until --recipient --all --dry-run --yes --reason --json --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue cancel") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --since --until --recipient --all --dry-run --yes --reason --json --url --token --config" || words="list show cat retry hold release cancel" ;;
    "queue "*) [ "$COMP_CWORD" -gt 1 ] && words="list show cat retry hold release cancel --help" ;;
    "upstream list") [ "$COMP_CWORD" -gt 2 ] && words="--help --absolute --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream test") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream pause") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream resume") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream prefer") [ "$COMP_CWORD" -gt 2 ] && words="--help --canary --dry-run --none --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream hooks") [ "$COMP_CWORD" -gt 2 ] && words="--help --register --report-to --dry-run --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream explain") [ "$COMP_CWORD" -gt 2 ] && words="--help --from --to --lane --tag --credential --absolute --json --url --token --config" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream classify") [ "$COMP_CWORD" -gt 2 ] && words="--help --type --status --body --header --recipients --sandbox --json" || words="list test pause resume prefer hooks explain classify" ;;
    "upstream "*) [ "$COMP_CWORD" -gt 1 ] && words="list test pause resume prefer hooks explain classify --help" ;;
    "events "*) [ "$COMP_CWORD" -gt 1 ] && words="--help --follow --type --message --upstream --since --until --limit --json --url --token --config" ;;
    "retention show") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="show run" ;;
    "retention run") [ "$COMP_CWORD" -gt 2 ] && words="--help --dry-run --json --url --token --config" || words="show run" ;;
    "retention "*) [ "$COMP_CWORD" -gt 1 ] && words="show run --help" ;;
    "spool stat") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool list") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --recipient --since --until --limit --cursor --json --absolute --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool show") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --absolute --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool cat") [ "$COMP_CWORD" -gt 2 ] && words="--help --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool verify") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool export") [ "$COMP_CWORD" -gt 2 ] && words="--help --state --sender --recipient --since --until --output --json --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool backup") [ "$COMP_CWORD" -gt 2 ] && words="--help --output --no-hold --json --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool compact") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool salvage") [ "$COMP_CWORD" -gt 2 ] && words="--help --output --users --json --data-dir --config" || words="stat list show cat verify export backup compact salvage" ;;
    "spool "*) [ "$COMP_CWORD" -gt 1 ] && words="stat list show cat verify export backup compact salvage --help" ;;
    "user add") [ "$COMP_CWORD" -gt 2 ] && words="--help --role --senders --scram --url --token --config --password-stdin --allow-recipients --redirect-to --capture" || words="add passwd list remove" ;;
    "user passwd") [ "$COMP_CWORD" -gt 2 ] && words="--help --url --token --config --password-stdin --allow-recipients --redirect-to --capture --no-guard" || words="add passwd list remove" ;;
    "user list") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="add passwd list remove" ;;
    "user remove") [ "$COMP_CWORD" -gt 2 ] && words="--help --url --token --config" || words="add passwd list remove" ;;
    "user "*) [ "$COMP_CWORD" -gt 1 ] && words="add passwd list remove --help" ;;
    "token create") [ "$COMP_CWORD" -gt 2 ] && words="--help --scopes --tenant --senders --networks --expires --per-minute --per-day --allow-recipients --redirect-to --capture --json --url --token --config" || words="create list revoke rotate" ;;
    "token list") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="create list revoke rotate" ;;
    "token revoke") [ "$COMP_CWORD" -gt 2 ] && words="--help --url --token --config" || words="create list revoke rotate" ;;
    "token rotate") [ "$COMP_CWORD" -gt 2 ] && words="--help --url --token --config" || words="create list revoke rotate" ;;
    "token "*) [ "$COMP_CWORD" -gt 1 ] && words="create list revoke rotate --help" ;;
    "suppression list") [ "$COMP_CWORD" -gt 2 ] && words="--help --json --url --token --config" || words="list add remove" ;;
    "suppression add") [ "$COMP_CWORD" -gt 2 ] && words="--help --reason --url --token --config" || words="list add remove" ;;
    "suppression remove") [ "$COMP_CWORD" -gt 2 ] && words="--help --url --token --config" || words="list add remove" ;;
    "suppression "*) [ "$COMP_CWORD" -gt 1 ] && words="list add remove --help" ;;
    "bootstrap "*) [ "$COMP_CWORD" -gt 1 ] && words="--help --admin --password-stdin --config" ;;
    "sendmail "*) [ "$COMP_CWORD" -gt 1 ] && words="--help" ;;
    "mailq "*) [ "$COMP_CWORD" -gt 1 ] && words="--help" ;;
    "man "*) [ "$COMP_CWORD" -gt 1 ] && words="--help --output" ;;
    "completion "*) [ "$COMP_CWORD" -gt 1 ] && words="--help" ;;
  esac
  case "${COMP_WORDS[COMP_CWORD-1]}" in
    --config|--output|--data-dir) COMPREPLY=($(compgen -f -- "$current")) ; return ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _postrider postrider
