//! Tests of when a request is retried.

use std::io::Read;
use std::net::TcpListener;
use std::time::Duration;

use fs_core::port::SmsError;

use super::super::delivery::Delivery;
use super::{answer, impatient, server};

async fn post(delivery: &Delivery, url: &str) -> Result<(), SmsError> {
    delivery.send(delivery.client.post(url).body("text"), |_| None).await
}

#[tokio::test]
async fn a_busy_service_is_asked_three_times_ever_more_slowly() {
    let mut delivery = Delivery::new().unwrap();
    let waits = impatient(&mut delivery);
    let busy = ["429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"];
    let (base, told) = server(busy.map(|status| answer(status, "")).into());
    let error = post(&delivery, &base).await.unwrap_err();
    assert_eq!(error, SmsError::Temporary("503 Service Unavailable".to_owned()));
    assert_eq!(told.iter().map(|request| request.body).collect::<Vec<_>>(), ["text"; 3]);
    assert_eq!(*waits.lock().unwrap(), [Duration::from_millis(250), Duration::from_secs(1)]);
}

#[tokio::test]
async fn it_stops_as_soon_as_there_is_an_answer() {
    for (second, accepted) in [("201 Created", true), ("400 Bad Request", false)] {
        let mut delivery = Delivery::new().unwrap();
        let waits = impatient(&mut delivery);
        let (base, told) = server(vec![answer("502 Bad Gateway", ""), answer(second, "")]);
        assert_eq!(post(&delivery, &base).await.is_ok(), accepted);
        assert_eq!((told.iter().count(), waits.lock().unwrap().len()), (2, 1), "{second}");
    }
}

#[tokio::test]
async fn an_unreachable_recipient_is_retried() {
    let mut delivery = Delivery::new().unwrap();
    let waits = impatient(&mut delivery);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = post(&delivery, &format!("http://{nobody}/k3y")).await.unwrap_err();
    assert!(matches!(error, SmsError::Temporary(_)), "{error}");
    assert!(!error.to_string().contains("k3y"), "{error}");
    assert_eq!(waits.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_message_that_may_have_arrived_is_not_sent_twice() {
    // The server takes the request and closes the connection without a response.
    let mut delivery = Delivery::new().unwrap();
    let waits = impatient(&mut delivery);
    let (base, told) = server(vec![String::new()]);
    let error = post(&delivery, &base).await.unwrap_err();
    assert!(matches!(error, SmsError::Temporary(_)), "{error}");
    assert_eq!((told.iter().count(), waits.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Reads until the client closes the connection.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let mut delivery = Delivery::new().unwrap();
    let waits = impatient(&mut delivery);
    delivery.timeout = Duration::from_millis(50);
    let error = post(&delivery, &url).await.unwrap_err();
    assert!(matches!(error, SmsError::Temporary(_)), "{error}");
    assert!(waits.lock().unwrap().is_empty());
}
