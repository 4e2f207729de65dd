# Shared by the tests here: a site, and questions to it.

# The site of nginx with kontor in it: nginx_site [DIRECTIVES]
nginx_site() {
    cat >/etc/nginx/sites-available/default <<END
server {
    listen 127.0.0.1:80 default_server;
    root /var/www/html;
    $1
    include snippets/kontor.conf;
}
END
    nginx -t
    systemctl restart nginx
}

# get PATH [OPTION OF CURL …]: ask until it is answered, at most 20 seconds: the web server may still be
# starting.
get() {
    path=$1
    shift
    curl --silent --show-error --fail --retry 20 --retry-delay 1 --retry-connrefused \
        --retry-max-time 20 "$@" "http://127.0.0.1/kontor$path"
}

# expect PATH TEXT [OPTION OF CURL …]: the answer has this text in it. Once is enough, also right after a
# reload.
expect() {
    asked=$1
    text=$2
    shift 2
    answer=$(get "$asked" "$@") || true
    case $answer in
    *"$text"*) echo "GET /kontor$asked: ok" ;;
    *)
        echo "GET /kontor$asked: no '$text' in the answer:"
        echo "$answer"
        journalctl -u kontor --no-pager | tail -n 30
        exit 1
        ;;
    esac
}
