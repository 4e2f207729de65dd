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

# expect PATH TEXT: the answer has this text in it, or has within ten seconds.
expect() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        case $(get "$1") in
            *"$2"*)
                echo "GET /kontor$1: ok"
                return
                ;;
        esac
        sleep 1
    done
    echo "GET /kontor$1: no '$2' in the answer:"
    get "$1" || true
    journalctl -u kontor --no-pager | tail -n 30
    exit 1
}
