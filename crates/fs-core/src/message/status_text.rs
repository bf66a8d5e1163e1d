//! Texts of errors that belong to a status of HTTP.

use super::texts::texts;

texts! {
    /// Key of a text for an error that has no message of its own.
    StatusText;

    // Pages for errors: title, what happened, what to do

    /// Line above the title of an error page. Value: `status`, its number.
    ErrorStatus = "error_status", "Error %(status)d";
    /// Heading above the explanation for developers.
    Why = "why", "Why";
    /// Title for 401 Unauthorized.
    Error401Title = "error_401_title", "Please sign in";
    /// Text for 401 Unauthorized.
    Error401 = "error_401", "This page is for people who are signed in.";
    /// Advice for 401 Unauthorized.
    Error401Advice = "error_401_advice", "Sign in, then open it again.";
    /// Title for 403 Forbidden.
    Error403Title = "error_403_title", "This is not open to you";
    /// Text for 403 Forbidden.
    Error403 = "error_403", "You do not have permission for this page.";
    /// Advice for 403 Forbidden.
    Error403Advice = "error_403_advice", "If you think you should, ask the people who run this site.";
    /// Title for 404 Not Found.
    Error404Title = "error_404_title", "There is no such page";
    /// Text for 404 Not Found.
    Error404 = "error_404", "Nothing is at this address.";
    /// Advice for 404 Not Found.
    Error404Advice = "error_404_advice", "Check it for typing errors, or start from the home page.";
    /// Title for 405 Method Not Allowed.
    Error405Title = "error_405_title", "This does not work here";
    /// Text for 405 Method Not Allowed.
    Error405 = "error_405", "The page does not answer this kind of request.";
    /// Advice for 405 Method Not Allowed.
    Error405Advice = "error_405_advice", "Go back, and use the links and buttons on the page.";
    /// Title for 413 Payload Too Large.
    Error413Title = "error_413_title", "That is too much";
    /// Text for 413 Payload Too Large.
    Error413 = "error_413", "What you sent is larger than we accept.";
    /// Advice for 413 Payload Too Large.
    Error413Advice = "error_413_advice", "Go back, and send less.";
    /// Title for 429 Too Many Requests.
    Error429Title = "error_429_title", "Please wait a little";
    /// Text for 429 Too Many Requests.
    Error429 = "error_429", "There were too many attempts in a short time.";
    /// Advice for 429 Too Many Requests.
    Error429Advice = "error_429_advice", "Wait a few minutes, then try again.";
    /// Title for 503 Service Unavailable.
    Error503Title = "error_503_title", "We are busy right now";
    /// Text for 503 Service Unavailable.
    Error503 = "error_503", "We cannot answer at the moment.";
    /// Advice for 503 Service Unavailable.
    Error503Advice = "error_503_advice", "Wait a few seconds, then reload the page.";
    /// Title for other errors of the server.
    ErrorServerTitle = "error_server_title", "Something went wrong here";
    /// Text for other errors of the server.
    ErrorServer = "error_server", "The mistake is ours: nothing that you did caused it.";
    /// Advice for other errors of the server.
    ErrorServerAdvice = "error_server_advice", "Try again in a moment. If it stays like this, tell the people who run this site.";
    /// Title for other errors of a request.
    ErrorOtherTitle = "error_other_title", "That did not work";
    /// Text for other errors of a request.
    ErrorOther = "error_other", "We could not make sense of this request.";
    /// Advice for other errors of a request.
    ErrorOtherAdvice = "error_other_advice", "Go back, reload the page and try again.";

    // JSON answers for errors without a message

    /// 400 in JSON.
    Reason400 = "reason_400", "Bad Request";
    /// 401 in JSON.
    Reason401 = "reason_401", "Unauthorized";
    /// 403 in JSON.
    Reason403 = "reason_403", "Forbidden";
    /// 404 in JSON.
    Reason404 = "reason_404", "Not Found";
    /// 405 in JSON.
    Reason405 = "reason_405", "Method Not Allowed";
    /// 408 in JSON.
    Reason408 = "reason_408", "Request Timeout";
    /// 409 in JSON.
    Reason409 = "reason_409", "Conflict";
    /// 413 in JSON.
    Reason413 = "reason_413", "Payload Too Large";
    /// 429 in JSON.
    Reason429 = "reason_429", "Too Many Requests";
    /// 500 in JSON.
    Reason500 = "reason_500", "Internal Server Error";
    /// 503 in JSON.
    Reason503 = "reason_503", "Service Unavailable";

    // Bodies that cannot be read

    /// The body is not JSON.
    BodyNotJson = "body_not_json", "The body is not valid JSON.";
    /// The body is JSON, but not an object.
    BodyNotObject = "body_not_object", "The JSON body must be an object.";
    /// The body is not UTF-8, or contains NUL.
    BodyNotText = "body_not_text", "The body must be UTF-8 text without NUL characters.";
    /// The parts of a multipart form are broken.
    BodyMultipart = "body_multipart", "The multipart form cannot be read.";
    /// The body has too many fields.
    BodyTooMany = "body_too_many", "The body has too many fields.";
    /// The body is empty.
    BodyEmpty = "body_empty", "The body is empty; send a JSON object.";
}
