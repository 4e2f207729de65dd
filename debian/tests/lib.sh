# Shared by the tests here: a site, and questions to it.

# The site of nginx with kontor in it.
nginx_site() {
    cat >/etc/nginx/sites-available/default <<'END'
server {
    listen 127.0.0.1:80 default_server;
    root /var/www/html;
    include snippets/kontor.conf;
}
END
    nginx -t
    systemctl restart nginx
}

# Ask until it is answered, at most 20 seconds: the web server may still be starting.
get() {
    curl --silent --show-error --fail --retry 20 --retry-delay 1 --retry-connrefused \
        --retry-max-time 20 "http://127.0.0.1/kontor$1"
}

# expect PATH TEXT: the answer has this text in it. Once is enough, also right after a reload.
expect() {
    answer=$(get "$1") || true
    case $answer in
    *"$2"*) echo "GET /kontor$1: ok" ;;
    *)
        echo "GET /kontor$1: no '$2' in the answer:"
        echo "$answer"
        journalctl -u kontor --no-pager | tail -n 30
        exit 1
        ;;
    esac
}
